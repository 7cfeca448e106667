"""Request and response schemas of the users API."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, StrictBool, TypeAdapter, ValidationInfo, WithJsonSchema

from auth import new_passwords
from auth.domain import MAX_EMAIL, MAX_PASSWORD, MIN_PASSWORD, Email, User
from auth.errors import InvalidCredentials, WrongPassword
from auth.passkeys.fields import UsedField
from auth.sessions import Session
from common.base.errors import InvalidValue
from common.base.times import Moment
from common.contract.error_codes import ErrorCode
from common.http.body import Input, Output

MAX_TOKEN = 100
"""In characters; a link's token has 43."""


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


def _own_password(value: object, fields: ValidationInfo) -> str:
    """As `_known_password`, of a user who is signed in; "" beside a passkey, which is declared first."""
    # A passkey that was refused is missing in the data, and its refusal is enough.
    if "passkey" not in fields.data or fields.data["passkey"] is not None:
        return ""
    if isinstance(value, str) and len(value) > MAX_PASSWORD:
        raise InvalidValue(WrongPassword.default_message, WrongPassword.code)
    return _known_password(value)


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


def _token(value: object) -> str:
    # A text of any other length is a link that was mistyped or cut: not found among the stored ones.
    return value if isinstance(value, str) and len(value) <= MAX_TOKEN else ""


TokenField = Annotated[str, PlainValidator(_token), _text(maxLength=MAX_TOKEN)]
NewPasswordField = Annotated[
    str, PlainValidator(_new_password), _text(minLength=MIN_PASSWORD, maxLength=MAX_PASSWORD)
]
BESIDE_PASSKEY = Field(default="", validate_default=True)
"""Of a password that may be left out where a passkey is sent."""
OwnPasswordField = Annotated[str, PlainValidator(_own_password), _text(minLength=1, maxLength=MAX_PASSWORD)]


class ConfirmationInput(Input):
    token: TokenField


class ResetRequestInput(Input):
    email: EmailField


class ResetInput(Input):
    token: TokenField
    password: NewPasswordField


class PasswordInput(Input):
    passkey: UsedField = None
    current: OwnPasswordField = BESIDE_PASSKEY
    password: NewPasswordField


class EmailInput(Input):
    email: EmailField
    passkey: UsedField = None
    password: OwnPasswordField = BESIDE_PASSKEY


class DeletionInput(Input):
    passkey: UsedField = None
    password: OwnPasswordField = BESIDE_PASSKEY


class MailSettingsInput(Input):
    """language: One of `mail.languages`. notices: Whether mails that can be turned off are sent."""

    language: Literal["en", "zh"]
    notices: StrictBool


class UnsubscribeInput(Input):
    token: TokenField


class UserOutput(Output):
    id: str
    email: str

    @classmethod
    def of(cls, user: User) -> "UserOutput":
        return cls.model_construct(id=user.id, email=user.email.address)


class OwnUserOutput(UserOutput):
    """confirmed: A link that was mailed to the address was used. bounced: Mail to it was refused for good.

    language: Of the mails. notices: Whether mails that can be turned off are sent.
    """

    confirmed: bool
    bounced: bool
    language: str
    notices: bool

    @classmethod
    def of(cls, user: User) -> "OwnUserOutput":
        return cls.model_construct(
            id=user.id,
            email=user.email.address,
            confirmed=user.confirmed,
            bounced=user.bounced,
            language=user.language,
            notices=user.notices,
        )


class CurrentUserOutput(Output):
    current_user: OwnUserOutput | None

    @classmethod
    def of(cls, user: User | None) -> "CurrentUserOutput":
        return cls.model_construct(current_user=None if user is None else OwnUserOutput.of(user))


class SessionOutput(Output):
    """device: In words, such as "Firefox on Linux". address: Where it began. last_used: As it was noted.

    current: It is the session of the request.
    """

    id: str
    device: str
    address: str
    created: Moment
    last_used: Moment
    current: bool

    @classmethod
    def of(cls, session: Session, current: str) -> "SessionOutput":
        return cls.model_construct(
            id=session.id,
            device=session.device,
            address=session.address,
            created=session.created_at,
            last_used=session.used_at,
            current=session.id == current,
        )


SESSIONS = TypeAdapter(list[SessionOutput])
