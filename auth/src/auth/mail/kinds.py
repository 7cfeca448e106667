"""Kinds of mail, and what a mail of each kind names."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar


class Kind(StrEnum):
    """Stored with each mail, and the name of its template."""

    CONFIRM = "confirm"
    RESET = "reset"
    ADDRESS_CHANGE = "address-change"
    ADDRESS_CHANGED = "address-changed"
    PASSWORD_CHANGED = "password-changed"
    NEW_DEVICE = "new-device"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    ACCOUNT_DELETED = "account-deleted"
    BOUGHT = "bought"
    SOLD = "sold"
    HOLD_ENDING = "hold-ending"
    PAYMENT_VOIDED = "payment-voided"
    DELIVERED = "delivered"
    DISPUTED = "disputed"
    REFUNDED = "refunded"
    SALE_REFUNDED = "sale-refunded"
    PAID_OUT = "paid-out"


class NotAPath(ValueError):
    """A link's target is none of the site's, or holds what a URL must not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a mail names beside fixed words.

    path: Target of the mail's button: a path of the site with its query, such as "/auth/reset?token=…". A
    one-time secret in it is stored until the mail is sent, and never longer than the mail's `useful_until`.
    optional: Whether the user can turn mails of this kind off.
    """

    kind: ClassVar[Kind]
    optional: ClassVar[bool] = False
    path: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises NotAPath."""
        is_printable = self.path.isascii() and self.path.isprintable() and " " not in self.path
        if not is_printable or not self.path.startswith("/") or self.path[1:2] in ("/", "\\"):
            raise NotAPath()


class Confirm(Content):
    """To a new user: proves that the address is theirs. Link of 24 hours."""

    __slots__ = ()
    kind = Kind.CONFIRM


class Reset(Content):
    """To a user who forgot their password. Link of 15 minutes."""

    __slots__ = ()
    kind = Kind.RESET


class AddressChange(Content):
    """To the new address: proves that it is the user's, and changes to it. Link of 24 hours."""

    __slots__ = ()
    kind = Kind.ADDRESS_CHANGE


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice(Content):
    """What happened to an account, and the page for a user who did not do it.

    at: When it happened, UTC; the mail names the minute.
    """

    at: datetime


class AddressChanged(Notice):
    """To the old address, which gets no further mail."""

    __slots__ = ()
    kind = Kind.ADDRESS_CHANGED


class PasswordChanged(Notice):
    __slots__ = ()
    kind = Kind.PASSWORD_CHANGED


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDevice(Notice):
    """device: In words, such as "Firefox on Linux"; any text that a browser sends is safe here."""

    kind = Kind.NEW_DEVICE
    device: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyAdded(Notice):
    """name: As the user called the passkey."""

    kind = Kind.PASSKEY_ADDED
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyRemoved(Notice):
    """name: As the user called the passkey."""

    kind = Kind.PASSKEY_REMOVED
    name: str


class AccountDeleted(Notice):
    """To the address that the account had; the last mail about it."""

    __slots__ = ()
    kind = Kind.ACCOUNT_DELETED


@dataclass(frozen=True, kw_only=True, slots=True)
class AboutSale(Content):
    """title: Of the ticket, in its seller's words. day: Of the event, "2026-12-24"; "" for none.

    cents: Price of the order.
    """

    title: str
    day: str
    cents: int


class Bought(AboutSale):
    """To the buyer, once the order is paid."""

    __slots__ = ()
    kind = Kind.BOUGHT


class Sold(AboutSale):
    """To the seller, once the order is paid."""

    __slots__ = ()
    kind = Kind.SOLD
    optional = True


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldEnding(AboutSale):
    """To the buyer of an unpaid order. until: End of the hold."""

    kind = Kind.HOLD_ENDING
    optional = True
    until: datetime


class PaymentVoided(AboutSale):
    """To the buyer, whose card is not charged: the order ended before the money was taken."""

    __slots__ = ()
    kind = Kind.PAYMENT_VOIDED


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered(AboutSale):
    """To the buyer, once the seller handed the ticket over. until: The end of the time for a claim."""

    kind = Kind.DELIVERED
    until: datetime


class Disputed(AboutSale):
    """To the seller: the buyer made a claim, or the card's owner disputes the payment."""

    __slots__ = ()
    kind = Kind.DISPUTED


class Refunded(AboutSale):
    """To the buyer, who gets all of the money back."""

    __slots__ = ()
    kind = Kind.REFUNDED


class SaleRefunded(AboutSale):
    """To the seller, who is not paid for the sale."""

    __slots__ = ()
    kind = Kind.SALE_REFUNDED


@dataclass(frozen=True, kw_only=True, slots=True)
class PaidOut(AboutSale):
    """To the seller. paid_cents: The price less the fee."""

    kind = Kind.PAID_OUT
    paid_cents: int


CONTENTS = MappingProxyType(
    {
        each.kind: each
        for each in (
            *(Confirm, Reset, AddressChange, AddressChanged, PasswordChanged, NewDevice),
            *(PasskeyAdded, PasskeyRemoved, AccountDeleted),
            *(Bought, Sold, HoldEnding, PaymentVoided),
            *(Delivered, Disputed, Refunded, SaleRefunded, PaidOut),
        )
    }
)


def stored(content: Content) -> dict[str, Any]:
    return asdict(content)


def restored(kind: str, data: dict[str, Any]) -> Content:
    """The content of a stored mail. Ignores fields that a newer version added."""
    content = CONTENTS[Kind(kind)]
    known = {each.name for each in fields(content)}
    return content(**{name: value for name, value in data.items() if name in known})
