"""Request and response schemas of the users API."""

from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from auth import new_passwords
from auth.domain import MAX_EMAIL, MAX_PASSWORD, MIN_PASSWORD, Email, User
from auth.errors import InvalidCredentials
from common.base.errors import InvalidValue
from common.contract.error_codes import ErrorCode
from common.http.body import Input, Output


def _email(value: object) -> Email:
    return Email.parse(value if isinstance(value, str) else "")


def _new_password(value: object, fields: ValidationInfo) -> str:
    """`fields` has the e-mail, if that is a valid one: it is declared first."""
    password = value if isinstance(value, str) else ""
    new_passwords.check(password, fields.data.get("email"))
    return password


def _known_password(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidValue("You must supply a password", ErrorCode.PASSWORD_REQUIRED)
    if len(value) > MAX_PASSWORD:
        # No stored password is that long. The answer is that of a wrong password, without the work of a hash.
        raise InvalidValue(InvalidCredentials.default_message, InvalidCredentials.code)
    return value


def _text(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


EmailField = Annotated[Email, PlainValidator(_email), _text(format="email", maxLength=MAX_EMAIL)]


class SignUpInput(Input):
    email: EmailField
    password: Annotated[
        str,
        PlainValidator(_new_password),
        _text(minLength=MIN_PASSWORD, maxLength=MAX_PASSWORD),
    ]


class SignInInput(Input):
    email: EmailField
    password: Annotated[str, PlainValidator(_known_password), _text(minLength=1, maxLength=MAX_PASSWORD)]


class UserOutput(Output):
    id: str
    email: str

    @classmethod
    def of(cls, user: User) -> "UserOutput":
        return cls.model_construct(id=user.id, email=user.email.address)


class CurrentUserOutput(Output):
    current_user: UserOutput | None

    @classmethod
    def of(cls, user: User | None) -> "CurrentUserOutput":
        return cls.model_construct(current_user=None if user is None else UserOutput.of(user))
