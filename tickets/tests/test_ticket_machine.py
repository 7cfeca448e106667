"""Whatever is done to a ticket in whatever order, its rules hold."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from common.base import times
from common.base.money import Money
from common.contract.events import TicketCreated, TicketUpdated, TicketWithdrawn
from tickets.domain import Ticket
from tickets.errors import HeldByAnother, TicketNotRelistable, TicketReserved, TicketTaken

orders = st.sampled_from(["one", "two", "three"])


class TicketMachine(RuleBasedStateMachine):
    """The model is what matters: who has the ticket, whether it is sold, how often it changed."""

    @initialize()
    def offer(self) -> None:
        self.ticket = Ticket.offer("seller", "Concert", Money(2000))
        assert isinstance(self.ticket.recorded, TicketCreated)
        self.ticket.saved()
        self.holder: str | None = None
        self.sold = self.withdrawn = False
        self.changes = 0

    @rule(cents=st.integers(1, 100_000_000))
    def edit(self, cents: int) -> None:
        if self.holder is not None:
            with pytest.raises(TicketReserved):
                self.ticket.edit("Opera", Money(cents))
            self._is_unchanged()
        else:
            self.ticket.edit("Opera", Money(cents))
            self._is_changed()
            assert self.ticket.price == Money(cents)

    @rule()
    def withdraw(self) -> None:
        if self.holder is not None:
            with pytest.raises(TicketTaken):
                self.ticket.withdraw()
            self._is_unchanged()
        else:
            self.ticket.withdraw()
            self._is_changed_if(not self.withdrawn)
            self.withdrawn = True

    @rule()
    def close(self) -> None:
        self.ticket.close()
        closes = not (self.sold or self.withdrawn)
        self._is_changed_if(closes)
        self.withdrawn = self.withdrawn or closes

    @rule()
    def relist(self) -> None:
        if self.withdrawn and self.holder is not None:
            with pytest.raises(TicketNotRelistable):
                self.ticket.relist(times.now())
            self._is_unchanged()
        else:
            self.ticket.relist(times.now())
            self._is_changed_if(self.withdrawn)
            self.withdrawn = False

    @rule(order=orders)
    def hold(self, order: str) -> None:
        if self.holder not in (None, order):
            with pytest.raises(HeldByAnother):
                self.ticket.hold(order, Money(2000))
            self._is_unchanged()
        else:
            self.ticket.hold(order, Money(2000))
            self._is_changed_if(self.holder is None)
            self.holder = order

    @rule(order=orders)
    def release(self, order: str) -> None:
        self.ticket.release(order)
        frees = self.holder == order and not self.sold
        self._is_changed_if(frees)
        if frees:
            self.holder = None

    @rule(order=orders)
    def sell(self, order: str) -> None:
        self.ticket.sell(order)
        sells = self.holder == order and not self.sold
        self._is_changed_if(sells)
        self.sold = self.sold or sells

    def _is_changed_if(self, expected: bool) -> None:
        if expected:
            self._is_changed()
        else:
            self._is_unchanged()

    def _is_changed(self) -> None:
        """By one version and one event, which has the ticket's state."""
        event = self.ticket.recorded
        assert isinstance(event, TicketUpdated | TicketWithdrawn)
        self.changes += 1
        assert event.version == self.changes
        if isinstance(event, TicketUpdated):
            assert (event.order_id, event.price) == (self.ticket.order_id, self.ticket.price)
            assert event.withdrawn == self.ticket.withdrawn
        self.ticket.saved()

    def _is_unchanged(self) -> None:
        assert self.ticket.recorded is None

    @invariant()
    def it_is_as_its_history_says(self) -> None:
        ticket = self.ticket
        assert ticket.version == self.changes
        assert (ticket.order_id, ticket.sold, ticket.withdrawn) == (self.holder, self.sold, self.withdrawn)

    @invariant()
    def only_what_nobody_has_is_on_sale(self) -> None:
        assert self.ticket.on_sale == (self.ticket.status == "available")
        assert not (self.ticket.on_sale and (self.holder or self.withdrawn))
        assert self.holder is not None or not self.sold


TestTicket = TicketMachine.TestCase
TestTicket.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
