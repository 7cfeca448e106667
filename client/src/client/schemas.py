"""Responses of the APIs: the fields that the pages show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter
from pydantic.alias_generators import to_camel

from common.base.money import Money, Price
from common.contract.details import first_day

T = TypeVar("T")


class Upstream(BaseModel):
    """An API's response: camelCase on the wire. Ignores unknown fields, so that an API may add some."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Details(Upstream):
    """Optional details of the event, from the seller."""

    event_date: date | None = None
    venue: str | None = None
    seat: str | None = None
    city: str | None = None
    start_time: str | None = None
    """`HH:MM` at the venue."""
    face_value: Price | None = None
    notes: str | None = None

    @property
    def place(self) -> str:
        """Venue and city: `Madison Square Garden, New York`; the one that is given, or ""."""
        return ", ".join(filter(None, (self.venue, self.city)))

    def is_over(self, now: datetime) -> bool:
        """Whether the event's day has ended everywhere on Earth."""
        return self.event_date is not None and self.event_date < first_day(now)


class TicketFile(Upstream):
    """The ticket itself. type: `application/pdf` or `image/jpeg`. bytes: Of the download."""

    name: str
    type: str
    bytes: int
    pages: int


class Ticket(Details):
    id: str
    title: str
    price: Price
    user_id: str
    version: int
    order_id: str | None
    """The order that has it; visible only to its seller and to that order's buyer."""
    status: str
    """`available`, `held`, `sold` or `withdrawn`."""
    file: TicketFile | None = None
    """Visible to its seller, and to its buyer. None from a release without files."""


class OrderedTicket(Details):
    id: str
    title: str
    price: Price


class Claim(Upstream):
    """A buyer's claim, and its seller's answer, in their words. reason: `not-valid`, and others."""

    reason: str
    words: str
    answer: str | None = None


class Fulfilled(Upstream):
    """Fulfilment of an order; all None before it is complete, and from a release without it.

    fulfilment: `due`, `delivered`, `accepted`, `disputed` or `refunded`.
    deliver_by: Until when the seller hands over. accept_by: Until when the buyer may claim.
    card_dispute: `open` or `closed`; None where the card's owner never disputed the charge at the bank.
    """

    fulfilment: str | None = None
    deliver_by: datetime | None = None
    accept_by: datetime | None = None
    claim: Claim | None = None
    card_dispute: str | None = None


class Sale(Fulfilled):
    """A complete order as its seller sees it. payout: What the seller was paid; None before that."""

    id: str
    ticket: OrderedTicket
    completed_at: datetime | None = None
    payout: Price | None = None


class Order(Fulfilled):
    id: str
    status: str
    """`created`, `awaiting:payment`, `complete` or `cancelled`."""
    expires_at: datetime
    ticket: OrderedTicket
    payment: str | None = None
    """`authorized`, `captured`, `voided` (nothing was taken) or `refunded`."""
    held_until: datetime | None = None
    """When the hold ends by itself. None once the order has ended, and from a release without it."""
    ended_because: str | None = None
    """`cancelled` or `expired`. None while it has not ended, and where the reason was not stored."""
    completed_at: datetime | None = None
    """When it was paid. None before that, and where the time was not stored."""


class PaidOrder(Upstream):
    """The order of a receipt, for the bearer of its code. payment: As of an order.

    ticket_id: None from a release that leaves it out.
    """

    id: str
    payment: str | None
    ticket_id: str | None = None

    @property
    def is_refunded(self) -> bool:
        return self.payment == "refunded"


class ReceiptCode(Upstream):
    code: str


class OwnUser(Upstream):
    """confirmed: True from a release that does not know. bounced: Mails to the address come back.

    language: Of the mails, such as "zh". notices: Whether mails that can be turned off are sent. None from a
    release that does not know.
    """

    email: str
    confirmed: bool = True
    bounced: bool = False
    language: str | None = None
    notices: bool | None = None


class CurrentUserAnswer(Upstream):
    current_user: OwnUser | None


class Session(Upstream):
    """device: Browser and system, such as "Firefox on Linux"; one of the two, or "Unknown device"."""

    id: str
    device: str
    address: str
    created: datetime
    last_used: datetime
    current: bool

    @property
    def device_parts(self) -> Sequence[str]:
        """Browser and system, or what is known of them; empty for a device that is not known."""
        return () if self.device in ("", "Unknown device") else self.device.split(" on ", 1)


class Passkey(Upstream):
    id: str
    name: str
    created: datetime
    last_used: datetime | None = None


class ExportPage(Upstream):
    """Records as an API stores them. next: The cursor of the next page; None on the last one."""

    records: list[dict[str, Any]]
    next: str | None


class Payment(Upstream):
    """A payment. client_secret: For the bank's further step (such as 3-D Secure), if one is due."""

    id: str
    client_secret: str | None = None


def _money(units: object) -> Money:
    return Money(int(Decimal(str(units)) * 100))


Amount = Annotated[Money, PlainValidator(_money)]
"""Unlike a price, it may be 0."""


class Summary(Upstream):
    """Number of a seller's listings by status, and the total earned by the sold ones."""

    available: int
    held: int
    sold: int
    withdrawn: int
    earned: Amount

    @property
    def total(self) -> int:
        return self.available + self.held + self.sold + self.withdrawn

    def of(self, status: str) -> int:
        count: int = getattr(self, status)
        return count


class PayoutForm(Upstream):
    """url: Of the provider's form, at another host. The form is valid for some minutes."""

    url: Annotated[str, Field(pattern=r"^(https?://|/api/)")]


class PayoutAccount(Upstream):
    """ready: Whether the seller can be paid. due: The provider's names of what it still needs."""

    ready: bool
    due: list[str]


class Balance(Upstream):
    """Of a seller, less fees. pending: Not accepted yet. available: Paid out once the account is ready."""

    pending: Amount
    available: Amount
    paid: Amount


class Entry(Upstream):
    """The money of one sale. stage: `pending`, `available`, `paid` or `refunded`.

    amount: The price less the fee; 0 once refunded. at: Of the latest movement; None before the first.
    """

    order_id: str
    stage: str
    price: Amount
    amount: Amount
    at: datetime | None


TICKETS = TypeAdapter(list[Ticket])
SESSIONS = TypeAdapter(list[Session])
ORDERS = TypeAdapter(list[Order])
SALES = TypeAdapter(list[Sale])
ENTRIES = TypeAdapter(list[Entry])
PASSKEYS = TypeAdapter(list[Passkey])


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a list. following: Query of the next page, or None on the last one."""

    items: list[T]
    following: Mapping[str, str] | None
