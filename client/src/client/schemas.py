"""Shapes on the wire of the APIs, as far as the pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from common.money import Price

T = TypeVar("T")


class Upstream(BaseModel):
    """What an API sends: camelCase; what is unknown is left aside, so that an API may grow."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Ticket(Upstream):
    id: str
    title: str
    price: Price
    user_id: str
    version: int
    order_id: str | None
    status: str
    """`available`, `held`, `sold` or `withdrawn`."""


class OrderedTicket(Upstream):
    id: str
    title: str
    price: Price


class Order(Upstream):
    id: str
    status: str
    """`created`, `awaiting:payment`, `complete` or `cancelled`."""
    expires_at: datetime
    ticket: OrderedTicket
    payment: str | None = None
    """`authorized`, `captured` or `voided`."""


TICKETS = TypeAdapter(list[Ticket])
ORDERS = TypeAdapter(list[Order])


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a list; `following` is the query of the next one, where there is one."""

    items: list[T]
    following: Mapping[str, str] | None
