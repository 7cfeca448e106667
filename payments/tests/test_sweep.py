"""Sweeps: the service starts them, every page has its turn, and one failure holds up nothing else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from common.base import jobs, times
from common.persistence.mongo import Database
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from payments import sweep as payments_sweep
from payments.app import create_app
from payments.domain import ChargeStatus
from payments.errors import SettlementRefused
from payments.fake_gateway import FakeGateway
from payments.settings import Settings
from payments.sweep import OpenPayments, run_charges, run_payments, sweep_charges
from tests.orders import AnOrder
from tests.shop import Shop
from tests.steered import noop


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.002)


async def an_unanswered_order(shop: Shop) -> AnOrder:
    """Order whose card is confirmed at the provider, and whose answer was lost."""
    order = await shop.order()

    async def lose_the_provider() -> None:
        shop.gateway.down = True

    shop.gateway.before_confirm = lose_the_provider
    assert (await shop.pay(order, "tok_timeout")).status_code == 503
    shop.gateway.before_confirm = noop
    shop.gateway.down = False
    return order


class TestRunningService:
    @pytest.fixture
    def sweep_seconds(self) -> float:
        return 0.01

    async def test_an_intent_is_made_by_the_service_itself(self, shop: Shop) -> None:
        order = await shop.order()

        async def is_made() -> bool:
            return await shop.states(order) == ["pending"]

        await until(is_made)

    async def test_a_card_without_an_answer_is_found_out_by_the_service_itself(self, shop: Shop) -> None:
        order = await an_unanswered_order(shop)

        async def is_paid() -> bool:
            return [m.data for m in shop.stream.of("payment.created") if order.id.encode() in m.data] != []

        await until(is_paid)

    async def test_an_open_payment_of_an_ended_order_is_settled_by_the_service_itself(
        self, shop: Shop
    ) -> None:
        order = await shop.a_paid_order()
        await shop.complete_unsettled(order)

        async def is_captured() -> bool:
            return await shop.states(order) == ["captured"]

        await until(is_captured)

    async def test_an_event_that_the_broker_refused_is_published_by_the_service_itself(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("common.persistence.outbox.GRACE", timedelta(0))
        monkeypatch.setattr("common.persistence.outbox.SWEEP_SECONDS", 0.01)
        order = await shop.order()
        shop.stream.up = False
        assert (await shop.pay(order)).status_code == 201
        await shop.context.repositories.payments.relay.drained()
        shop.stream.up = True

        async def is_published() -> bool:
            return len(shop.stream.of("payment.created")) == 1

        await until(is_published)


async def test_the_provider_s_indexes_exist_and_its_connections_are_closed_at_the_end(
    settings: Settings, database: Database, stream: FakeStream
) -> None:
    calls: list[str] = []

    class Gateway(FakeGateway):
        async def prepare(self) -> None:
            calls.append("prepared")

        async def close(self) -> None:
            calls.append("closed")

    async with running(create_app(settings, database=database, stream=stream, gateway=Gateway(database))):
        assert calls == ["prepared"]
    assert calls == ["prepared", "closed"]


async def test_payments_that_stay_open_do_not_hold_up_the_pages_after_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.sweep.PAGE", 2)
    orders = [await shop.a_paid_order("tok_threeDSecure") for _ in range(2)]
    orders += [await shop.a_paid_order() for _ in range(3)]
    for order in orders[2:]:
        await shop.complete_unsettled(order)
    sweep = OpenPayments(shop.context)
    for _ in range(3):
        await sweep.sweep()
    assert [await shop.states(order) for order in orders] == [["awaiting"]] * 2 + [["captured"]] * 3


async def test_the_first_page_follows_the_last(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.sweep.PAGE", 2)
    orders = [await shop.a_paid_order() for _ in range(3)]
    sweep = OpenPayments(shop.context)
    assert [await sweep.sweep(), await sweep.sweep()] == [2, 1]
    await shop.complete_unsettled(orders[0])
    await sweep.sweep()
    assert [await shop.states(order) for order in orders] == [["captured"], ["authorized"], ["authorized"]]


@pytest.mark.parametrize("error", [SettlementRefused("a person has to look"), RuntimeError("a bug")])
async def test_a_payment_that_fails_is_logged_and_holds_up_no_other_payment_and_no_other_page(
    shop: Shop, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("payments.sweep.PAGE", 2)
    orders = [await shop.a_paid_order() for _ in range(3)]
    for order in orders:
        await shop.complete_unsettled(order)

    capture = shop.gateway.capture
    [bad] = await shop.intents(orders[0])

    async def refuse_the_first(intent_id: str, key: str) -> None:
        if intent_id == bad["_id"]:
            raise error
        await capture(intent_id, key)

    monkeypatch.setattr(shop.gateway, "capture", refuse_the_first)
    sweep = OpenPayments(shop.context)
    for _ in range(2):
        await sweep.sweep()
    assert [await shop.states(order) for order in orders] == [["authorized"], ["captured"], ["captured"]]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert vars(record)["order"] == orders[0].id


async def test_an_intent_that_can_t_be_made_holds_up_no_other(shop: Shop) -> None:
    orders = [await shop.order() for _ in range(3)]
    failed: list[bool] = []

    async def fail_once() -> None:
        if not failed:
            failed.append(True)
            raise RuntimeError("a bug")

    shop.gateway.before_create = fail_once
    assert await sweep_charges(shop.context) == 3
    assert [await shop.states(order) for order in orders].count(["pending"]) == 2


async def test_a_provider_that_is_away_holds_up_no_order_s_event(shop: Shop) -> None:
    shop.gateway.down = True
    order = await shop.order()
    await shop.receive(order.cancelled())
    assert {delivery.outcome for delivery in shop.stream.sources["payments"].deliveries} == {"ack"}


@pytest.mark.parametrize(
    ("run", "job", "read"),
    [
        (run_charges, "charges", "charges.due"),
        (run_payments, "open_payments", "payments.open_after"),
    ],
)
async def test_a_job_goes_on_after_an_unexpected_error_and_only_whole_sweeps_count_as_a_success(
    shop: Shop,
    run: Callable[..., Awaitable[None]],
    job: str,
    read: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("payments.sweep.SWEEP_SECONDS", 0.001)
    repository = getattr(shop.context.repositories, read.partition(".")[0])
    original = getattr(repository, read.partition(".")[2])
    reads = 0
    successes: list[tuple[str, int]] = []

    async def fail_first(*arguments: object) -> object:
        nonlocal reads
        reads += 1
        if reads == 1:
            raise RuntimeError("a bug")
        return await original(*arguments)

    async def two_succeeded() -> bool:
        return len(successes) >= 2

    monkeypatch.setattr(repository, read.partition(".")[2], fail_first)
    monkeypatch.setattr(jobs, "succeeded", lambda name: successes.append((name, reads)))
    task = asyncio.ensure_future(run(shop.context))
    await until(two_succeeded)
    task.cancel()
    assert successes[:2] == [(job, 2), (job, 3)]


async def test_a_card_that_is_looked_up_is_found_out_once(shop: Shop) -> None:
    order = await an_unanswered_order(shop)
    assert await sweep_charges(shop.context) == 1
    assert await sweep_charges(shop.context) == 0
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    assert charge.status is ChargeStatus.RESOLVED


async def test_a_charge_that_one_sweep_looks_at_is_left_alone_by_another(shop: Shop) -> None:
    order = await shop.order()
    others = []

    async def sweep_as_another_process() -> None:
        others.append(await sweep_charges(shop.context))

    shop.gateway.before_create = sweep_as_another_process
    assert await sweep_charges(shop.context) == 1
    assert (others, shop.gateway.creations) == ([0], 1)
    assert await shop.states(order) == ["pending"]


@pytest.mark.parametrize(("age", "pause"), [(0, 0), (10, 5), (600, 60)])
async def test_a_charge_without_an_answer_is_looked_at_again_after_half_its_age_and_a_minute_at_most(
    shop: Shop, age: int, pause: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = times.now()
    monkeypatch.setattr(times, "now", lambda: clock)
    order = await an_unanswered_order(shop)
    shop.gateway.down = True
    clock += timedelta(seconds=age)
    assert await sweep_charges(shop.context) == 1
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    assert charge.due_at == clock + timedelta(seconds=pause)


async def test_an_unpaid_order_is_looked_at_again_at_its_end(shop: Shop) -> None:
    order = await shop.order()
    await sweep_charges(shop.context)
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    assert charge.due_at == order.expires_at


async def test_the_pause_between_two_checks_of_an_open_payment_doubles_up_to_a_minute(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.a_paid_order()
    timing = replace(shop.context.timing, first_pause=timedelta(seconds=2))
    sweep = OpenPayments(replace(shop.context, timing=timing))
    checked = []
    for second in range(200):
        monkeypatch.setattr(payments_sweep, "time", SimpleNamespace(monotonic=lambda now=second: now))
        if await sweep.sweep():
            checked.append(second)
    assert checked == [2, 6, 14, 30, 62, 122, 182]
