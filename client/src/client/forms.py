"""What a browser's form sends, and what was wrong with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from client.messages import message_for
from client.refusals import FormInvalid
from common.base.errors import AppError, NotFound
from common.base.ids import is_id

URLENCODED = "application/x-www-form-urlencoded"


async def _form(request: Request) -> Mapping[str, str]:
    # What our forms send. In multipart the sender may name any decoder of Python's for its fields.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        raise FormInvalid()
    async with request.form() as sent:
        return {name: value for name, value in sent.items() if isinstance(value, str)}


Form = Annotated[Mapping[str, str], Depends(_form)]
"""The last value of each field."""


@dataclass(frozen=True, slots=True)
class Problems:
    """A refusal as a form shows it: beside its fields, and the rest above it."""

    fields: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.others)

    @classmethod
    def of(cls, error: AppError, shown: Collection[str] = ()) -> "Problems":
        """`shown` are the fields that the form has."""
        fields: dict[str, str] = {}
        others: list[str] = []
        for entry in error.entries:
            if entry.field in shown:
                fields.setdefault(entry.field or "", message_for(entry.code, entry.message))
            else:
                others.append(message_for(entry.code, entry.message))
        return cls(fields, others)


NO_PROBLEMS = Problems()


def _record_id(name: str) -> object:
    async def read(request: Request) -> str:
        given: str = request.path_params[name]
        if not is_id(given):
            raise NotFound()
        return given

    return Depends(read)


TicketId = Annotated[str, _record_id("ticket_id")]
OrderId = Annotated[str, _record_id("order_id")]
"""From the path. Anything but an id is NotFound here already: it never becomes a part of an API's address."""
