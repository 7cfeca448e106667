"""What an intent's state does to the payment, and an order's end to its money, by calls of the provider."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from common.base.errors import Conflict
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database
from common.testing.fake_stream import FakeStream
from payments.context import PaymentContext
from payments.domain import Charge, Payment, Status
from payments.errors import SettlementRefused
from payments.gateway import PaymentGateway, State
from payments.order import Order
from payments.publishers import publishers
from payments.repository import Repositories
from payments.settlement import apply_intent, make_intent, settle_order
from tests.settling import NOW, Call, Provider, an_intent, end_order, paid, recorded


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def context(database: Database, stream: FakeStream, provider: Provider) -> PaymentContext:
    repositories = Repositories.over(database, publishers(stream))
    for each in (repositories.payments, repositories.charges):
        await each.prepare()
    return PaymentContext(repositories, cast("PaymentGateway", provider))


@pytest.fixture
async def charge(context: PaymentContext) -> Charge:
    """Of an open order, whose card is being confirmed on its intent."""
    order = Order(new_id(), new_id(), "created", Money(1999), NOW + timedelta(minutes=15))
    charge = replace(Charge.of(order, NOW), intent_id="pi_1").with_card(NOW, NOW)
    await context.repositories.charges.begin(charge, None)
    return charge


@pytest.fixture
def ended(context: PaymentContext, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Calls that mark the card's confirmation as ended."""
    return recorded(context.repositories.charges, monkeypatch)


@pytest.mark.parametrize(
    ("state", "status", "is_awaiting"),
    [(State.AUTHORIZED, Status.AUTHORIZED, False), (State.AWAITING, Status.AWAITING, True)],
)
@pytest.mark.parametrize("number", [1, 2])
async def test_an_intent_that_reserves_money_or_awaits_its_owner_is_the_orders_payment(
    context: PaymentContext,
    charge: Charge,
    provider: Provider,
    ended: list[Call],
    state: State,
    status: Status,
    is_awaiting: bool,
    number: int,
) -> None:
    await apply_intent(context, an_intent(charge, state, number=number))

    payment = await paid(context, charge)
    assert (payment.id, payment.status, payment.intent_id) == (charge.payment_id, status, "pi_1")
    assert payment.client_secret == ("secret" if is_awaiting else None)
    is_other = number != charge.intent_number
    flags = (("is_awaiting", is_awaiting), ("is_other", is_other))
    assert ended == [("finish", charge.order_id, number, *flags)]
    assert provider.calls == []


@pytest.mark.parametrize("state", [State.AUTHORIZED, State.AWAITING])
async def test_a_second_intent_of_a_paid_order_is_voided_under_its_own_key(
    context: PaymentContext, charge: Charge, provider: Provider, state: State
) -> None:
    await apply_intent(context, an_intent(charge, State.AUTHORIZED))
    await apply_intent(context, an_intent(charge, state, "pi_2", 2))

    assert provider.calls == [("void", "pi_2", "void:pi_2")]
    assert (await paid(context, charge)).intent_id == "pi_1"


async def test_a_decline_is_noted_with_the_providers_words(
    context: PaymentContext, charge: Charge, ended: list[Call], provider: Provider
) -> None:
    await apply_intent(context, an_intent(charge, State.DECLINED))

    assert ended == [("decline", charge.order_id, 1, "ch_1", "no money")]
    assert await context.repositories.payments.of_order(charge.order_id) is None
    assert provider.calls == []


@pytest.mark.parametrize("state", State)
async def test_an_intent_of_an_unknown_order_does_nothing(
    context: PaymentContext, charge: Charge, ended: list[Call], provider: Provider, state: State
) -> None:
    await apply_intent(context, replace(an_intent(charge, state), order_id="another"))

    assert (ended, provider.calls) == ([], [])
    assert await context.repositories.payments.of_order("another") is None


@pytest.mark.parametrize(
    ("status", "call", "settled"),
    [("complete", "capture", Status.CAPTURED), ("cancelled", "void", Status.VOIDED)],
)
async def test_the_money_follows_the_end_of_the_order_under_a_key_of_its_own(
    context: PaymentContext,
    charge: Charge,
    database: Database,
    provider: Provider,
    status: str,
    call: str,
    settled: Status,
) -> None:
    await end_order(database, charge, status)
    for _ in range(2):
        await apply_intent(context, an_intent(charge, State.AUTHORIZED))

    payment = await paid(context, charge)
    key = f"capture:{payment.id}" if call == "capture" else "void:pi_1"
    assert provider.calls == [(call, "pi_1", key)]
    assert payment.status is settled
    await settle_order(context, charge.order_id)
    assert len(provider.calls) == 1


async def test_a_card_that_awaits_its_owner_is_not_captured(
    context: PaymentContext, charge: Charge, database: Database, provider: Provider
) -> None:
    await end_order(database, charge, "complete")
    await apply_intent(context, an_intent(charge, State.AWAITING))

    assert provider.calls == []
    assert (await paid(context, charge)).status is Status.AWAITING


@pytest.mark.parametrize("status", ["created", "awaiting:payment"])
async def test_an_open_order_leaves_its_money_reserved(
    context: PaymentContext, charge: Charge, database: Database, provider: Provider, status: str
) -> None:
    await settle_order(context, charge.order_id)
    await apply_intent(context, an_intent(charge, State.AUTHORIZED))
    await end_order(database, charge, status)
    await settle_order(context, charge.order_id)

    assert provider.calls == []
    assert (await paid(context, charge)).status is Status.AUTHORIZED


async def test_a_refused_capture_leaves_the_payment_as_it_is(
    context: PaymentContext, charge: Charge, database: Database, provider: Provider
) -> None:
    await end_order(database, charge, "complete")
    provider.error = SettlementRefused()

    with pytest.raises(SettlementRefused):
        await apply_intent(context, an_intent(charge, State.AUTHORIZED))
    assert (await paid(context, charge)).status is Status.AUTHORIZED


async def test_a_settlement_that_another_process_stored_is_decided_again(
    context: PaymentContext,
    charge: Charge,
    database: Database,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await apply_intent(context, an_intent(charge, State.AUTHORIZED))
    await end_order(database, charge, "complete")
    payments, conflicts = context.repositories.payments, [Conflict()]
    save = payments.save

    async def late(payment: Payment) -> None:
        if conflicts:
            raise conflicts.pop()
        await save(payment)

    monkeypatch.setattr(payments, "save", late)
    await settle_order(context, charge.order_id)

    assert provider.calls == [("capture", "pi_1", f"capture:{charge.payment_id}")] * 2
    assert (await paid(context, charge)).status is Status.CAPTURED


@pytest.mark.parametrize(
    ("state", "status"), [(State.CAPTURED, Status.CAPTURED), (State.VOIDED, Status.VOIDED)]
)
async def test_what_the_provider_settled_by_itself_is_copied(
    context: PaymentContext,
    charge: Charge,
    provider: Provider,
    ended: list[Call],
    state: State,
    status: Status,
) -> None:
    await apply_intent(context, an_intent(charge, State.AUTHORIZED))
    ended.clear()
    await apply_intent(context, an_intent(charge, state, "pi_2"))
    assert (await paid(context, charge)).status is Status.AUTHORIZED
    ended.clear()
    await apply_intent(context, an_intent(charge, state))

    assert (await paid(context, charge)).status is status
    assert provider.calls == []
    (call,) = ended
    words = "The authorisation was cancelled"
    expected: dict[State, Call] = {
        State.CAPTURED: ("finish", charge.order_id, 1),
        State.VOIDED: ("decline", charge.order_id, 1, "pi_1", words),
    }
    assert call == expected[state]


@pytest.mark.parametrize("state", [State.CAPTURED, State.VOIDED])
async def test_a_settled_intent_without_a_payment_settles_nothing(
    context: PaymentContext, charge: Charge, provider: Provider, state: State
) -> None:
    await apply_intent(context, an_intent(charge, state))

    assert provider.calls == []
    assert await context.repositories.payments.of_order(charge.order_id) is None


async def test_an_order_that_ended_is_settled_also_by_another_intents_news(
    context: PaymentContext, charge: Charge, database: Database, provider: Provider
) -> None:
    await apply_intent(context, an_intent(charge, State.AUTHORIZED))
    await end_order(database, charge, "complete")

    await apply_intent(context, an_intent(charge, State.VOIDED, "pi_2", 2))

    assert provider.calls == [("capture", "pi_1", f"capture:{charge.payment_id}")]


async def test_an_orders_intent_is_made_for_its_amount_and_stored(
    context: PaymentContext, charge: Charge, provider: Provider
) -> None:
    made = await make_intent(context, replace(charge, intent_id=""))

    assert made.id == "pi_1"
    assert provider.calls == [("create", charge.order_id, 1, Money(1999))]
    stored = await context.repositories.charges.find(charge.order_id)
    assert stored == replace(charge, intent_id="pi_1")
