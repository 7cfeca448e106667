"""Fields of a submitted form, and the problems to show beside them."""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from client.messages import Text, message_for
from client.refusals import FormInvalid
from common.base.errors import AppError, NotFound
from common.base.ids import is_id
from common.http.idempotency import is_key

VERSION = re.compile(r"[0-9]{1,15}")
URLENCODED = "application/x-www-form-urlencoded"


async def form_of(request: Request) -> Mapping[str, str]:
    """See `Form`."""
    # The only type of our forms. In multipart the sender may choose any of Python's decoders for a field.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        raise FormInvalid()
    async with request.form() as sent:
        return {name: value for name, value in sent.items() if isinstance(value, str)}


Form = Annotated[Mapping[str, str], Depends(form_of)]
"""The fields of a form; of a repeated field, the last value. Raises FormInvalid for another content type."""


def new_key() -> str:
    """Key of a form that creates something: sent twice, by a double click or a reload, it has one effect."""
    return secrets.token_urlsafe(16)


def key_of(form: Mapping[str, str]) -> str:
    """The form's key; "" in a form without one, as of an older release. Raises FormInvalid for a bad one."""
    key = form.get("key", "")
    if key and not is_key(key):
        raise FormInvalid()
    return key


def version_of(form: Mapping[str, str]) -> str:
    """The version of the record that the form shows; "" in a form without one. Raises FormInvalid."""
    version = form.get("version", "")
    if version and VERSION.fullmatch(version) is None:
        raise FormInvalid()
    return version


class _DeviceAnswer(BaseModel):
    """What `passkeys.js` writes: `AuthenticationResponseJSON` or `RegistrationResponseJSON` of WebAuthn."""

    id: str
    rawId: str  # noqa: N815  # as on the wire
    type: str
    response: dict[str, str]


def answer_of(form: Mapping[str, str], name: str) -> Mapping[str, object] | None:
    """A device's answer, which our script put into the field `name` as JSON; None in a form without one.

    Raises FormInvalid for anything else.
    """
    if not form.get(name):
        return None
    try:
        return _DeviceAnswer.model_validate_json(form[name]).model_dump()
    except ValidationError:
        raise FormInvalid() from None


@dataclass(frozen=True, slots=True)
class Problems:
    """Messages of an error: `fields` are shown beside the form's fields, `others` above the form."""

    fields: Mapping[str, Text] = field(default_factory=dict)
    others: Sequence[Text] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.others)

    @classmethod
    def of(cls, error: AppError, shown: Collection[str] = ()) -> "Problems":
        """Problems of `error`. shown: Names of the form's fields."""
        fields: dict[str, Text] = {}
        others: list[Text] = []
        for entry in error.entries:
            text = message_for(entry.code, entry.message, error.headers.get("Retry-After"))
            if entry.field in shown:
                fields.setdefault(entry.field or "", text)
            else:
                others.append(text)
        return cls(fields, others)

    def renamed(self, **names: str) -> "Problems":
        """With other names of fields, for a page with two forms. names: New ones by old."""
        return Problems({names.get(name, name): text for name, text in self.fields.items()}, self.others)


NO_PROBLEMS = Problems()


def _record_id(name: str) -> object:
    async def read(request: Request) -> str:
        given: str = request.path_params[name]
        if not is_id(given):
            raise NotFound()
        return given

    return Depends(read)


PasskeyId = Annotated[str, _record_id("passkey_id")]
TicketId = Annotated[str, _record_id("ticket_id")]
OrderId = Annotated[str, _record_id("order_id")]
"""An id from the path. Raises NotFound for any other value, so that none becomes part of an API's address."""
