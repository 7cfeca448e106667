"""Whatever happens to an order in whatever order, its rules hold."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from common.base.money import Money
from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderRefunded,
    OrderUpdated,
)
from common.messaging.events import VersionedEvent
from orders.domain import Order, PaymentState, Sale, Status, Ticket
from orders.errors import NotDue, OrderComplete
from orders.fulfilment.terms import Terms

HOLD = timedelta(minutes=15)
TERMS = Terms()
START = datetime(2026, 1, 1, tzinfo=UTC)
DUE = START + HOLD
ENDED = (Status.COMPLETE, Status.CANCELLED)
SETTLED = (PaymentState.CAPTURED, PaymentState.VOIDED)


class OrderMachine(RuleBasedStateMachine):
    @initialize()
    def place(self) -> None:
        self.now = START
        self.order = Order.place("buyer", Ticket("ticket", "Concert", Money(2000)), DUE)
        self.events: list[VersionedEvent] = []
        self._save()

    @rule(minutes=st.sampled_from([1, 7, 14, 15, 16]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def cancel(self) -> None:
        if self.order.status is Status.COMPLETE:
            with pytest.raises(OrderComplete):
                self.order.cancel(self.now)
        else:
            self.order.cancel(self.now)
            assert self.order.status is Status.CANCELLED
        self._save()

    @rule()
    def expire(self) -> None:
        before = self.order.status
        if before is Status.CREATED and self.now < DUE:
            with pytest.raises(NotDue):
                self.order.expire(self.now, HOLD)
            assert self.order.status is before
        else:
            self.order.expire(self.now, HOLD)
            waits = before is Status.AWAITING_PAYMENT and self.now < DUE + HOLD
            expected = before if waits or before in ENDED else Status.CANCELLED
            assert self.order.status is expected
        self._save()

    @rule()
    def await_payment(self) -> None:
        self.order.await_payment()
        self._save()

    @rule()
    def complete(self) -> None:
        before = self.order.status
        self.order.complete(self.now, Sale("seller"), TERMS)
        assert self.order.status is (Status.CANCELLED if before is Status.CANCELLED else Status.COMPLETE)
        self._save()

    @rule(payment=st.sampled_from(SETTLED))
    def settle(self, payment: PaymentState) -> None:
        before = self.order.payment
        self.order.settle(payment)
        assert self.order.payment is (before if before in SETTLED else payment)
        self._save()

    def _save(self) -> None:
        if self.order.recorded is not None:
            assert isinstance(self.order.recorded, VersionedEvent)
            self.events.append(self.order.recorded)
            self.order.saved()

    @invariant()
    def each_change_is_one_version_and_one_event(self) -> None:
        assert [event.version for event in self.events] == list(range(len(self.events)))
        assert self.order.version == len(self.events) - 1

    @invariant()
    def it_ends_once_and_for_good(self) -> None:
        ends = [event for event in self.events if isinstance(event, OrderCancelled | OrderCompleted)]
        assert len(ends) == (self.order.status in ENDED)
        if ends:
            expected = Status.CANCELLED if isinstance(ends[0], OrderCancelled) else Status.COMPLETE
            assert self.order.status is expected

    @invariant()
    def it_keeps_its_ticket_from_others_unless_it_is_cancelled(self) -> None:
        is_cancelled = self.order.status is Status.CANCELLED
        assert self.order.reservation == (None if is_cancelled else "ticket")

    @invariant()
    def whoever_follows_its_events_knows_its_status(self) -> None:
        """As payments does."""
        status = ""
        for event in self.events:
            if isinstance(event, OrderCreated | OrderUpdated):
                status = event.status
            elif not isinstance(event, OrderRefunded):
                status = "cancelled" if isinstance(event, OrderCancelled) else "complete"
        assert status == self.order.status


TestOrder = OrderMachine.TestCase
TestOrder.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)
