"""Shapes on the wire of the APIs, as far as the pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator, TypeAdapter
from pydantic.alias_generators import to_camel

from common.base.money import Money, Price

T = TypeVar("T")


class Upstream(BaseModel):
    """What an API sends: camelCase; what is unknown is left aside, so that an API may grow."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Details(Upstream):
    """What a seller may tell of the event besides."""

    event_date: date | None = None
    venue: str | None = None
    seat: str | None = None


class Ticket(Details):
    id: str
    title: str
    price: Price
    user_id: str
    version: int
    order_id: str | None
    status: str
    """`available`, `held`, `sold` or `withdrawn`."""


class OrderedTicket(Details):
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


class Payment(Upstream):
    """`client_secret` is for the further step with the bank, where one is due."""

    id: str
    client_secret: str | None = None


def _money(units: object) -> Money:
    return Money(int(Decimal(str(units)) * 100))


class Summary(Upstream):
    """A seller's listings by status, and what the sold ones brought."""

    available: int
    held: int
    sold: int
    withdrawn: int
    earned: Annotated[Money, PlainValidator(_money)]

    @property
    def total(self) -> int:
        return self.available + self.held + self.sold + self.withdrawn

    def of(self, status: str) -> int:
        count: int = getattr(self, status)
        return count


TICKETS = TypeAdapter(list[Ticket])
ORDERS = TypeAdapter(list[Order])


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a list; `following` is the query of the next one, where there is one."""

    items: list[T]
    following: Mapping[str, str] | None
