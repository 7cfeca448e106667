"""Whatever seller, buyer, deadlines and the payment do in whatever order, a sale ends once."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from common.base.errors import BadRequest
from common.base.money import Money
from common.contract.details import Details
from common.contract.events import (
    DeadlineKind,
    OrderAccepted,
    OrderCompleted,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
    OrderUpdated,
)
from common.messaging.events import VersionedEvent
from orders.domain import Order, PaymentState, Sale, Ticket
from orders.errors import NotDue
from orders.fulfilment.documents import from_document, to_document
from orders.fulfilment.domain import CardDispute, Claim, State
from orders.fulfilment.terms import Terms

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
TERMS = Terms()
END = (State.ACCEPTED, State.REFUNDED)
NEXT = {
    State.DUE: {State.DELIVERED, State.DISPUTED, State.REFUNDED},
    State.DELIVERED: {State.ACCEPTED, State.DISPUTED, State.REFUNDED},
    State.DISPUTED: {State.ACCEPTED, State.REFUNDED},
    State.ACCEPTED: set[State](),
    State.REFUNDED: set[State](),
}
STATES: dict[type[VersionedEvent], State] = {
    OrderDelivered: State.DELIVERED,
    OrderAccepted: State.ACCEPTED,
    OrderDisputed: State.DISPUTED,
    OrderRefunded: State.REFUNDED,
}
DAYS = (None, date(2026, 1, 1), date(2026, 1, 3), date(2026, 3, 1))


class FulfilmentMachine(RuleBasedStateMachine):
    @initialize(has_file=st.booleans(), adopted=st.booleans(), day=st.sampled_from(DAYS))
    def complete(self, has_file: bool, adopted: bool, day: date | None) -> None:
        self.now = START
        ticket = Ticket("ticket", "Concert", Money(2000), Details(event_date=day))
        self.order = Order.place("buyer", ticket, START + timedelta(minutes=15), "seller")
        self.order.saved()
        self.events: list[VersionedEvent] = []
        self.order.complete(self.now, None if adopted else Sale("seller", has_file), TERMS)
        self._save()
        if adopted:
            self.order.adopt(self.now, "seller", TERMS)
            self._save()

    @rule(hours=st.sampled_from([1, 3, 25, 49, 200]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def deliver(self) -> None:
        self._try(lambda: self.order.deliver(self.now, TERMS))

    @rule()
    def accept(self) -> None:
        self._try(self.order.accept)

    @rule()
    def refund(self) -> None:
        self._try(self.order.refund)

    @rule(words=st.sampled_from(["it was not valid", "nothing came"]))
    def claim(self, words: str) -> None:
        self._try(lambda: self.order.claim(Claim("not-valid", words, self.now)))

    @rule(words=st.sampled_from(["it was", "it came"]))
    def answer(self, words: str) -> None:
        self._try(lambda: self.order.answer(words, self.now))

    @rule(kind=st.sampled_from(DeadlineKind))
    def deadline(self, kind: DeadlineKind) -> None:
        """A timer, early, in time, late or for a state that has ended; the sweep is a timer, too."""
        before = self.order.fulfilment
        assert before is not None
        applies = kind is {State.DUE: DeadlineKind.DELIVERY, State.DELIVERED: DeadlineKind.ACCEPTANCE}.get(
            before.state
        )
        self._try(lambda: self.order.pass_deadline(kind, self.now))
        due = before.deadline is not None and self.now >= before.deadline
        assert (self.order.fulfilment != before) == (applies and due)

    @rule(is_open=st.booleans())
    def dispute_at_bank(self, is_open: bool) -> None:
        self._try(lambda: self.order.dispute_at_bank(is_open))

    @rule(payment=st.sampled_from([PaymentState.CAPTURED, PaymentState.REFUNDED]))
    def settle(self, payment: PaymentState) -> None:
        self._try(lambda: self.order.settle(payment))

    @rule()
    def complete_and_adopt_again(self) -> None:
        self._try(lambda: self.order.complete(self.now, Sale("other", True), TERMS))
        self._try(lambda: self.order.adopt(self.now, "other", TERMS))
        assert self.order.seller_id == "seller"

    def _try(self, act: Callable[[], object]) -> None:
        """Acts twice, as a person or a broker does: what the second time changes is a fault."""
        before, version = self.order.fulfilment, self.order.version
        try:
            act()
        except (BadRequest, NotDue):
            assert (self.order.fulfilment, self.order.recorded) == (before, None)
            return
        self._save()
        once = self.order.fulfilment
        act()
        assert (self.order.fulfilment, self.order.recorded) == (once, None)
        assert self.order.version - version <= 1

    def _save(self) -> None:
        if self.order.recorded is not None:
            assert isinstance(self.order.recorded, VersionedEvent)
            self.events.append(self.order.recorded)
            self.order.saved()

    @property
    def states(self) -> list[State]:
        """As a follower of the events knows them."""
        found = []
        for event in self.events:
            if isinstance(event, OrderCompleted):
                if event.deliver_by or event.accept_by:
                    found.append(State.DUE if event.deliver_by else State.DELIVERED)
            elif not isinstance(event, OrderUpdated):
                found.append(STATES[type(event)])
        return found

    @invariant()
    def each_change_is_one_version_and_one_event(self) -> None:
        assert [event.version for event in self.events] == list(range(1, len(self.events) + 1))
        assert self.order.version == len(self.events)

    @invariant()
    def the_events_say_the_state(self) -> None:
        assert self.order.fulfilment is not None
        assert self.states[-1] is self.order.fulfilment.state

    @invariant()
    def each_state_follows_from_the_one_before_and_an_end_is_for_good(self) -> None:
        states = self.states
        assert all(after in NEXT[before] for before, after in pairwise(states))
        assert sum(state in END for state in states) <= 1

    @invariant()
    def an_undecided_sale_ends_by_itself_or_is_disputed(self) -> None:
        found = self.order.fulfilment
        assert found is not None
        assert (found.deadline is None) == (found.state in (*END, State.DISPUTED))

    @invariant()
    def returned_money_is_never_paid_out_too(self) -> None:
        """But where it went back after the end, by another way than ours."""
        accepted = [event.version for event in self.events if isinstance(event, OrderAccepted)]
        if self.order.payment is PaymentState.REFUNDED and not accepted:
            assert self.states[-1] is State.REFUNDED

    @invariant()
    def nothing_is_decided_by_us_while_the_bank_decides(self) -> None:
        found = self.order.fulfilment
        if found is not None and found.card_dispute is CardDispute.OPEN:
            assert found.deadline is None

    @invariant()
    def it_is_stored_as_it_is_and_its_events_have_no_words(self) -> None:
        assert from_document(to_document(self.order.fulfilment)) == self.order.fulfilment
        text = b"".join(event.to_json() for event in self.events).decode()
        assert not re.search("valid|came|it was", text)


TestFulfilment = FulfilmentMachine.TestCase
TestFulfilment.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)
