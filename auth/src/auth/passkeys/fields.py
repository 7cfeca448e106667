"""Fields of requests with a device's answer or a passkey's name."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from auth.passkeys.domain import MAX_NAME, name_of
from auth.passkeys.errors import PasskeyRefused, PasskeyUnreadable
from common.base.errors import BadRequest, InvalidValue

MAX_ANSWER = 16 * 1024
"""Characters of a device's answer as JSON; one with a key of RSA has about 3,000."""


def _answer(refusal: type[BadRequest]) -> Callable[[object], Mapping[str, Any]]:
    def read(value: object) -> Mapping[str, Any]:
        if not isinstance(value, dict) or len(json.dumps(value)) > MAX_ANSWER:
            raise InvalidValue(refusal.default_message, refusal.code)
        return value

    return read


def _used(value: object) -> Mapping[str, Any] | None:
    return None if value is None else _answer(PasskeyRefused)(value)


_OBJECT = WithJsonSchema({"type": "object"})
UsedField = Annotated[Mapping[str, Any] | None, PlainValidator(_used), _OBJECT]
"""`AuthenticationResponseJSON` of WebAuthn; None without a passkey."""
AnswerField = Annotated[Mapping[str, Any], PlainValidator(_answer(PasskeyRefused)), _OBJECT]
"""As UsedField, required."""
AddedField = Annotated[Mapping[str, Any], PlainValidator(_answer(PasskeyUnreadable)), _OBJECT]
"""`RegistrationResponseJSON` of WebAuthn."""
NameField = Annotated[
    str, PlainValidator(name_of), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_NAME})
]
