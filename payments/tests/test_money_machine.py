"""Whatever fails, in whatever order: money is taken once, at the price, and for complete orders only.

Then it goes to one side, as orders decided: never to both, and not to none in the end.
"""

import os
from collections import Counter
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from payments import webhook
from payments.domain import Payment, Status
from payments.errors import BadSignature, Declined
from payments.gateway import DisputeState
from payments.ledger import less_fee
from tests.machine.faults import FAILURES
from tests.machine.orders import ModelOrder
from tests.machine.world import FEE_PERCENT, World

MOST_ORDERS = 6
AFTERWARDS = ("tok_refundTimeout", "tok_refundError", "tok_payoutTimeout", "tok_payoutError")
GOOD = st.sampled_from(["tok_visa", "tok_visa", "tok_timeout", *AFTERWARDS])
OTHER = st.sampled_from(
    ["tok_chargeDeclined", "tok_chargeDeclined", "tok_nobody", "tok_error", "tok_threeDSecure"]
)
KINDS = ("amount_capturable_updated", "canceled", "payment_failed", "succeeded")
MEANWHILE = (
    *("cancelled", "caught up", "swept", "hinted", "paid", "overtaken"),
    *("refunded", "accepted", "disputed"),
)

PAID_AGAIN = frozenset({"paid", "overtaken"})
"""Of MEANWHILE, those in which the buyer pays with another card."""

FULFILMENTS = ("delivered", "disputed", "refunded", "accepted")

latest = st.integers(0, 1)
"""One of the two latest orders."""
events = st.sampled_from((*FAILURES, *MEANWHILE))
some = st.dictionaries(st.integers(0, 6), events, min_size=1, max_size=2)
faults: st.SearchStrategy[dict[int, str]] = st.one_of(st.just({}), st.just({}), some)

Plan = Mapping[int, str]
Document = dict[str, Any]


class MoneyMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.is_sound = True
        self._do(self.world.prepare())
        for _ in range(2):
            self.order_is_placed(is_known=True)

    @precondition(lambda self: len(self.world.orders.all) < MOST_ORDERS)
    @rule(is_known=st.sampled_from([True, True, False]))
    def order_is_placed(self, is_known: bool) -> None:
        self.world.orders.place(self.world.now)
        if is_known:
            self._do(self.world.deliver(len(self.world.orders.events) - 1))

    @rule(number=latest, token=GOOD, plan=faults)
    def pay_with_a_good_card(self, number: int, token: str, plan: Plan) -> None:
        self._pay(number, token, plan)

    @rule(number=latest, token=OTHER, plan=faults)
    def pay_with_another_card(self, number: int, token: str, plan: Plan) -> None:
        self._pay(number, token, plan)

    @rule(number=latest, plan=faults)
    def fail_at_the_further_step(self, number: int, plan: Plan) -> None:
        self._pay(number, "tok_threeDSecureDeclined", {})
        order = self._latest(number)
        self._answer_is_true(order, self._do(self.world.confirm(order), plan), plan)

    @precondition(lambda self: self._awaiting())
    @rule(plan=faults)
    def confirm(self, plan: Plan) -> None:
        order_id = self._awaiting()[-1]["order_id"]
        [order] = [order for order in self.world.orders.all if order.id == order_id]
        self._answer_is_true(order, self._do(self.world.confirm(order), plan), plan)

    @precondition(lambda self: self._awaiting())
    @rule()
    def owner_takes_the_step_and_says_nothing(self) -> None:
        self._do(self.world.gateway.after_step(self._awaiting()[-1]["_id"]))

    @rule(number=latest)
    def buyer_cancels(self, number: int) -> None:
        self.world.orders.cancel(self._latest(number))

    @rule(seconds=st.sampled_from([1, 5, 31, 70, 450]))
    def time_passes(self, seconds: int) -> None:
        self._do(self.world.pass_time(timedelta(seconds=seconds)))

    @precondition(lambda self: len(self.world.orders.all) < MOST_ORDERS)
    @rule(token=GOOD)
    def order_is_bought(self, token: str) -> None:
        """The way to fulfilment in one step, since runs are short."""
        self.order_is_placed(is_known=True)
        self._pay(0, token, {})
        self._do(self.world.sweep())
        self._do(self.world.catch_up())

    @precondition(lambda self: self._complete())
    @rule(number=st.integers(0, 3), fulfilment=st.sampled_from(FULFILMENTS))
    def orders_decide(self, number: int, fulfilment: str) -> None:
        self.world.orders.fulfil(self._complete()[-1 - number % len(self._complete())], fulfilment)

    @precondition(lambda self: self._complete())
    @rule(fulfilment=st.sampled_from(FULFILMENTS[2:]), plan=faults)
    def orders_decide_and_say_so(self, fulfilment: str, plan: Plan) -> None:
        self.world.orders.fulfil(self._complete()[-1], fulfilment)
        self._do(self.world.deliver_all(), plan)

    @rule(plan=faults)
    def seller_gets_ready(self, plan: Plan) -> None:
        self._do(self.world.seller_gets_ready(), plan)

    @precondition(lambda self: self._complete())
    @rule(number=st.integers(0, 3))
    def owner_disputes(self, number: int) -> None:
        self._do(self.world.dispute(self._complete()[-1 - number % len(self._complete())]))

    @precondition(lambda self: self._read("fake_provider_disputes"))
    @rule(state=st.sampled_from(DisputeState))
    def bank_decides(self, state: DisputeState) -> None:
        self._do(self.world.bank_decides(state))

    @precondition(lambda self: self._read("fake_provider_disputes"))
    @rule(plan=faults)
    def dispute_events_arrive(self, plan: Plan) -> None:
        self._do(self.world.hint_disputes(), plan)

    @rule(count=st.integers(1, 3))
    def orders_handle_payment_events(self, count: int) -> None:
        self.world.orders.handle(self.world.stream.messages, count)

    @rule(number=st.integers(0, 9), plan=faults)
    def an_order_event_arrives_early_late_or_again(self, number: int, plan: Plan) -> None:
        self._do(self.world.deliver(-1 - number % len(self.world.orders.events)), plan)

    @rule(plan=faults)
    def order_events_arrive(self, plan: Plan) -> None:
        self._do(self.world.deliver_all(), plan)

    @precondition(lambda self: self._read("fake_provider_intents"))
    @rule(kind=st.sampled_from(KINDS), event=st.integers(0, 9), plan=faults)
    def provider_events_arrive(self, kind: str, event: int, plan: Plan) -> None:
        """One about each intent: true, untrue or repeated. Before them comes one that is forged."""
        with pytest.raises(BadSignature):
            webhook.verified(b"{}", "t=1,v1=forged", "whsec_of_the_machine")
        self._do(self.world.hint_all(kind, f"evt_{event}"), plan)

    @rule(plan=faults)
    def events_flow(self, plan: Plan) -> None:
        self._do(self.world.catch_up(), plan)

    @rule(plan=faults)
    def sweep(self, plan: Plan) -> None:
        self._do(self.world.sweep(), plan)

    @rule()
    def process_restarts(self) -> None:
        self.world.restart()

    @precondition(lambda self: self.world.gateway.under_way)
    @rule()
    def provider_acts_late(self) -> None:
        self._do(self.world.gateway.act_late())

    @rule(is_up=st.sampled_from([True, False]))
    def broker_goes_or_returns(self, is_up: bool) -> None:
        self.world.stream.up = is_up

    @invariant()
    def money_is_taken_once_for_a_complete_order_at_its_price(self) -> None:
        for order in self.world.orders.all:
            intents = self._intents(order)
            captures = [intent["captures"] for intent in intents]
            assert sum(captures) == [intent["state"] for intent in intents].count("captured") <= 1
            assert order.status == "complete" or sum(captures) == 0
            assert {intent["amount_cents"] for intent in intents} <= {order.price.cents}

    @invariant()
    def money_is_refunded_at_most_once_and_by_decision(self) -> None:
        for order in self.world.orders.all:
            refunded = [found["amount_cents"] for found in self._of("fake_provider_refunds", order)]
            assert refunded in ([], [order.price.cents])
            assert order.fulfilment == "refunded" or not refunded

    @invariant()
    def a_seller_is_paid_at_most_once_by_decision_and_never_beside_a_refund(self) -> None:
        for order in self.world.orders.all:
            paid = [found["amount_cents"] for found in self._of("fake_provider_transfers", order)]
            assert paid in ([], [self._net(order)])
            assert order.fulfilment == "accepted" or not paid
            assert not (paid and self._of("fake_provider_refunds", order))

    @invariant()
    def the_ledger_sums_to_zero(self) -> None:
        for payment in self._read("payments"):
            assert sum(entry["cents"] for entry in payment.get("entries", [])) == 0

    @invariant()
    def an_order_has_one_payment_whose_versions_are_published_without_a_gap(self) -> None:
        payments = self._read("payments")
        assert max(Counter(payment["order_id"] for payment in payments).values(), default=0) <= 1
        versions: dict[str, list[int]] = {}
        for message in self.world.stream.messages:
            _, payment_id, version = message.headers["ce-id"].split(":")
            versions.setdefault(payment_id, []).append(int(version))
        for payment_id, published in versions.items():
            assert published == list(range(len(published))), payment_id
        for payment in payments:
            assert payment["version"] + 1 >= len(versions.get(payment["_id"], []))

    def teardown(self) -> None:
        try:
            if self.is_sound:
                outcome = self._do(self.world.come_to_rest())
                assert outcome is None, outcome
                self._all_is_settled()
        finally:
            self.world.close()

    def _all_is_settled(self) -> None:
        """After every delivery and sweep, money and orders agree, and nothing waits for another look."""
        self.money_is_taken_once_for_a_complete_order_at_its_price()
        self.an_order_has_one_payment_whose_versions_are_published_without_a_gap()
        payments = {payment["order_id"]: payment for payment in self._read("payments")}
        for order in self.world.orders.all:
            states = Counter(intent["state"] for intent in self._intents(order))
            assert order.is_over
            assert states["captured"] == (order.status == "complete")
            assert states["authorized"] == states["awaiting"] == 0
            status = payments[order.id]["status"] if order.id in payments else ""
            assert status == ("captured" if order.status == "complete" else order.payment)
            paid = self._of("fake_provider_transfers", order)
            is_refunded = order.fulfilment == "refunded" or (self._lost(order) and not paid)
            assert order.payment == ("refunded" if is_refunded else status)
            assert len(self._intents(order)) <= 1
            self._money_went_where_it_should(order, payments.get(order.id, {}))
        assert [charge for charge in self._read("attempts") if "due_at" in charge] == []
        assert [payment for payment in payments.values() if "due_at" in payment] == []
        assert [payment for payment in payments.values() if payment.get("outbox")] == []

    def _money_went_where_it_should(self, order: ModelOrder, payment: Document) -> None:
        """The ledger says what the provider did, and that is what orders decided, or the card's bank."""
        account: Counter[str] = Counter()
        for entry in payment.get("entries", []):
            account[entry["account"].partition(":")[0]] += entry["cents"]
        price = order.price.cents
        by_bank = sum(found["amount_cents"] for found in self._lost(order))
        refunded = sum(found["amount_cents"] for found in self._of("fake_provider_refunds", order)) + by_bank
        paid = sum(found["amount_cents"] for found in self._of("fake_provider_transfers", order))
        captured = price if order.status == "complete" else 0
        assert account["provider"] == captured
        assert -account["refunds"] == refunded == (price if order.fulfilment == "refunded" else by_bank)
        assert -account["seller"] == paid
        assert -account["fees"] == (price - paid if paid else 0)
        assert account["losses"] == (price if paid and by_bank else 0)
        is_decided = order.fulfilment in ("accepted", "refunded") or by_bank
        assert -account["held"] == (0 if is_decided else captured)

    def _lost(self, order: ModelOrder) -> list[Document]:
        return [found for found in self._of("fake_provider_disputes", order) if found["state"] == "lost"]

    def _net(self, order: ModelOrder) -> int:
        return less_fee(order.price, FEE_PERCENT).cents

    def _answer_is_true(self, order: ModelOrder, answer: object, plan: Plan) -> None:
        """A buyer who reads "paid" has paid; a buyer who reads "declined" has not, or with another card."""
        states = {intent["_id"]: intent["state"] for intent in self._intents(order)}
        if isinstance(answer, Payment) and answer.status in (Status.AUTHORIZED, Status.CAPTURED):
            taken = ("captured",) if answer.status is Status.CAPTURED else ("authorized", "captured")
            assert states[answer.intent_id] in taken
        if isinstance(answer, Declined) and PAID_AGAIN.isdisjoint(plan.values()):
            payments = [p for p in self._read("payments") if p["order_id"] == order.id]
            assert all(payment["status"] not in ("authorized", "captured") for payment in payments)

    def _pay(self, number: int, token: str, plan: Plan) -> None:
        order = self._latest(number)
        self._answer_is_true(order, self._do(self.world.pay(order, token), plan), plan)

    def _latest(self, number: int) -> ModelOrder:
        return self.world.orders.all[-1 - number]

    def _complete(self) -> list[ModelOrder]:
        return [order for order in self.world.orders.all if order.status == "complete"]

    def _awaiting(self) -> list[Document]:
        """The provider's intents that await their card's owner."""
        return [intent for intent in self._read("fake_provider_intents") if intent["state"] == "awaiting"]

    def _do(self, work: Awaitable[Any], plan: Plan | None = None) -> object:
        self.is_sound = False
        result = self.world.run(work, plan)
        self.is_sound = True
        return result

    def _intents(self, order: ModelOrder) -> list[Document]:
        return self._of("fake_provider_intents", order)

    def _of(self, name: str, order: ModelOrder) -> list[Document]:
        return [record for record in self._read(name) if record["order_id"] == order.id]

    def _read(self, name: str) -> list[Document]:
        return self.world.loop.run_until_complete(self.world.database[name].find({}))


TestMoney = MoneyMachine.TestCase
EXAMPLES = os.environ.get("MONEY_EXAMPLES")
TestMoney.settings = settings(
    max_examples=int(EXAMPLES or 100),
    stateful_step_count=25,
    deadline=None,
    # The suite tries the same examples each time; who asks for a number of them explores.
    derandomize=EXAMPLES is None,
)
