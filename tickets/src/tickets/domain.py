"""The ticket: one listing, free, held by one order, or sold to it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from common.base.ids import new_id
from common.base.money import Money
from common.contract.details import NO_DETAILS, Details
from common.contract.events import TicketCreated, TicketUpdated, TicketWithdrawn
from common.persistence.aggregate import Aggregate
from tickets.errors import (
    EventOver,
    HeldByAnother,
    TicketChanged,
    TicketNotRelistable,
    TicketReserved,
    TicketTaken,
)
from tickets.files.record import ListingFile, delivery_of

Versions = Collection[int] | None
"""Versions that a seller's change was made for; None for any."""


@dataclass(kw_only=True)
class Ticket(Aggregate):
    """`order_id` is the order that holds it, or that it was sold to."""

    title: str
    price: Money
    user_id: str
    details: Details = NO_DETAILS
    order_id: str | None = None
    order_price: Money | None = None
    """Price that the order's buyer pays. An edit may have been in progress when the ticket was ordered."""
    buyer_id: str | None = None
    """The order's buyer; None without an order, and for one of a release that did not store it."""
    sold: bool = False
    withdrawn: bool = False
    file: ListingFile | None = None

    @property
    def delivery(self) -> str:
        """A `Delivery`."""
        return delivery_of(self.file)

    @property
    def reserves_barcodes(self) -> bool:
        """Whether no other listing may have its file's barcodes: it is on sale, held or sold."""
        return self.order_id is not None or not self.withdrawn

    @property
    def on_sale(self) -> bool:
        return self.order_id is None and not self.withdrawn

    def is_listed(self, now: datetime) -> bool:
        """Whether it counts as one of its seller's listings: it is on sale, or will be if its order ends."""
        ended = self.order_id is None and self.details.is_over(now)
        return not (self.sold or self.withdrawn or ended)

    @property
    def status(self) -> str:
        return status_of(self.sold, self.order_id is not None, self.withdrawn)

    def is_party(self, user_id: str) -> bool:
        """Whether the user may know which order has the ticket: its seller, and that order's buyer."""
        return user_id in (self.user_id, self.buyer_id)

    def is_buyer(self, user_id: str) -> bool:
        """Whether the user bought it: the order is complete."""
        return self.sold and user_id == self.buyer_id

    @classmethod
    def offer(cls, user_id: str, title: str, price: Money, details: Details = NO_DETAILS) -> "Ticket":
        ticket = cls(id=new_id(), title=title, price=price, user_id=user_id, details=details)
        return ticket.record(
            TicketCreated(
                id=ticket.id,
                version=ticket.next_version,
                title=title,
                price=price,
                user_id=user_id,
                **details.by_name(),
            )
        )

    def created_as(self, ticket_id: str) -> "Ticket":
        """This new listing as an earlier request of the same content stored it."""
        return Ticket(
            id=ticket_id,
            version=0,
            title=self.title,
            price=self.price,
            user_id=self.user_id,
            details=self.details,
        )

    def edit(
        self, title: str, price: Money, details: Details = NO_DETAILS, versions: Versions = None
    ) -> None:
        """Replaces all fields. A withdrawn listing stays withdrawn.

        Raises TicketReserved while an order holds or bought it, and TicketChanged at another version than
        `versions`. An edit that took effect before, as a form that is sent twice, changes nothing.
        """
        is_expected = versions is None or self.version in versions
        if not is_expected and (self.title, self.price, self.details) == (title, price, details):
            return
        if self.order_id is not None:
            raise TicketReserved()
        if not is_expected:
            raise TicketChanged()
        self.title, self.price, self.details = title, price, details
        self._updated()

    def attach(self, file: ListingFile) -> None:
        """Adds the ticket itself, or replaces it. Raises TicketReserved while an order holds or bought it."""
        if self.order_id is not None:
            raise TicketReserved()
        self.file = file
        self._updated()

    def detach(self) -> None:
        """Removes the file. Idempotent. Raises TicketReserved while an order holds or bought it."""
        if self.order_id is not None:
            raise TicketReserved()
        if self.file is not None:
            self.file = None
            self._updated()

    def give_barcodes_up(self) -> None:
        """Leaves the file's barcodes to another listing, which has reserved them."""
        if self.file is not None:
            self.file = self.file.without_barcodes()

    def withdraw(self, versions: Versions = None) -> None:
        """Takes the listing off sale. Idempotent.

        Raises TicketTaken while an order holds or bought it, and TicketChanged at another version than
        `versions`.
        """
        if self.order_id is not None:
            raise TicketTaken()
        if self.withdrawn:
            return
        if versions is not None and self.version not in versions:
            raise TicketChanged()
        self._withdrawn()

    def close(self) -> None:
        """Withdraws the listing of a seller whose account is deleted. Idempotent.

        Also one that an order holds: the order goes on. If it ends unpaid, the ticket stays withdrawn.
        The file of one that no order has is removed.
        """
        if self.file is not None and self.order_id is None:
            self.file = None
            if self.withdrawn:
                self._updated()
        if not (self.sold or self.withdrawn):
            self._withdrawn()

    def relist(self, now: datetime) -> None:
        """Puts a withdrawn listing back on sale. Idempotent.

        Raises TicketNotRelistable for one that an order held or bought meanwhile, and EventOver.
        """
        if not self.withdrawn:
            return
        if self.order_id is not None:
            raise TicketNotRelistable()
        if self.details.is_over(now):
            raise EventOver()
        self.withdrawn = False
        self._updated()

    def hold(self, order_id: str, price: Money, buyer_id: str | None = None) -> None:
        """Holds the ticket for an order of `buyer_id` at `price`. Idempotent for the same order.

        Raises HeldByAnother while another order has it.

        A ticket that was withdrawn a moment before the order reached it is held all the same: the buyer
        ordered in good faith, and a withdrawn ticket that is freed stays withdrawn.
        """
        if self.order_id == order_id:
            return
        if self.order_id is not None:
            raise HeldByAnother(f"ticket {self.id} is held by order {self.order_id}")
        self.order_id, self.order_price, self.buyer_id = order_id, price, buyer_id
        self._updated()

    def release(self, order_id: str) -> None:
        """Frees the ticket if this order holds it."""
        if self.order_id != order_id or self.sold:
            return
        self.order_id = self.order_price = self.buyer_id = None
        self._updated()

    def sell(self, order_id: str) -> None:
        """Sells the ticket to the order that holds it; final."""
        if self.order_id != order_id or self.sold:
            return
        self.sold = True
        self._updated()

    def _withdrawn(self) -> None:
        self.withdrawn = True
        self.record(TicketWithdrawn(id=self.id, version=self.next_version))

    def _updated(self) -> None:
        self.record(
            TicketUpdated(
                id=self.id,
                version=self.next_version,
                title=self.title,
                price=self.price,
                user_id=self.user_id,
                order_id=self.order_id,
                withdrawn=self.withdrawn,
                delivery=None if self.file is None else self.delivery,
                **self.details.by_name(),
            )
        )


def status_of(sold: bool, ordered: bool, withdrawn: bool) -> str:
    if sold:
        return "sold"
    if ordered:
        return "held"
    return "withdrawn" if withdrawn else "available"
