"""Requests that are sent twice: a create with an `Idempotency-Key`, a change with `If-Match`."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from common.base import times
from common.persistence.mongo import Database
from common.testing.answers import code_of, entries_of
from common.testing.browser import a_user, running
from common.testing.events import deliver, emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Market, Sale, an_app

BODY = {"title": "Opera", "price": 20, "venue": "Great Hall"}
KEY = {"Idempotency_Key": "the-form"}


async def test_the_second_request_has_the_answer_of_the_first(market: Market, stream: FakeStream) -> None:
    first = await market.post(BODY, **KEY)
    second = await market.post(BODY | {"price": "20.00", "seat": ""}, **KEY)

    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert len(await emitted(stream, "ticket.created", 1)) == 1
    assert await market.titles() == ["Opera"]


async def test_the_answer_is_that_of_the_creation_whatever_became_of_the_listing(market: Market) -> None:
    first = await market.post(BODY, **KEY)
    await market.put(first.json(), {"title": "Ballet", "price": 5})
    await market.delete(first.json())

    assert (await market.post(BODY, **KEY)).json() == first.json()


async def test_another_body_under_the_same_key_is_refused_and_names_the_listing(market: Market) -> None:
    first = await market.post(BODY, **KEY)

    refused = await market.post(BODY | {"price": 21}, **KEY)

    assert code_of(refused, 422) == "idempotency-key-reused"
    assert refused.links["related"]["url"] == f"/api/tickets/{first.json()['id']}"
    assert await market.titles() == ["Opera"]


async def test_another_seller_may_choose_the_same_key(market: Market) -> None:
    first, second = await market.post(BODY, **KEY), await market.post(BODY, a_user(), **KEY)

    assert first.json()["id"] != second.json()["id"]


async def test_a_refused_offer_leaves_its_key_free(market: Market) -> None:
    assert code_of(await market.post(BODY | {"title": ""}, **KEY), 400) == "title-required"

    assert (await market.post(BODY, **KEY)).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 65, "a b"])
async def test_a_malformed_key_is_refused(market: Market, key: str) -> None:
    assert code_of(await market.post(BODY, Idempotency_Key=key), 400) == "idempotency-key-invalid"
    assert await market.titles() == []


@pytest.mark.connected
async def test_of_many_requests_at_two_processes_at_once_one_lists(
    real_database: Database, stream: FakeStream
) -> None:
    seller = a_user()
    async with (
        running(an_app(real_database, stream)) as one,
        running(an_app(real_database, stream)) as another,
    ):
        markets = [Market(client, stream, seller) for client in (one, another)]

        answers = await asyncio.gather(*(market.post(BODY, **KEY) for market in markets for _ in range(20)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await markets[0].titles() == ["Opera"]


# If-Match


async def test_a_ticket_carries_its_version_as_its_tag(market: Market) -> None:
    ticket = await market.a_ticket()
    await market.put(ticket, BODY)

    shown = await market.client.get(f"/api/tickets/{ticket['id']}")

    assert shown.headers["etag"] == '"1"'


async def test_a_change_of_the_version_that_was_read_takes_effect(market: Market) -> None:
    ticket = await market.a_ticket()

    edited = await market.put(ticket, BODY, If_Match='"0"')

    assert (edited.status_code, edited.json()["version"]) == (200, 1)
    assert (await market.delete(ticket, If_Match='"1"')).status_code == 204


async def test_a_change_of_an_older_version_is_refused(market: Market) -> None:
    ticket = await market.a_ticket()
    await market.put(ticket, BODY)

    refused = await market.put(ticket, BODY | {"price": 21}, If_Match='"0"')

    assert entries_of(refused, 412) == [
        {"code": "ticket-changed", "message": "The ticket has changed, please look again"}
    ]
    assert code_of(await market.delete(ticket, If_Match='"0"'), 412) == "ticket-changed"
    assert (await market.shown(ticket))["version"] == 1


async def test_an_edit_that_is_sent_twice_is_one_version(market: Market) -> None:
    ticket = await market.a_ticket()

    answers = [await market.put(ticket, BODY, If_Match='"0"') for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


async def test_an_edit_that_took_effect_is_answered_so_though_an_order_holds_the_ticket_since(
    market: Market, stream: FakeStream
) -> None:
    ticket = await market.a_ticket()
    await market.put(ticket, BODY, If_Match='"0"')
    await deliver(stream, Sale.of(ticket).created())

    assert (await market.put(ticket, BODY, If_Match='"0"')).status_code == 200
    assert (
        code_of(await market.put(ticket, BODY | {"price": 1}, If_Match='"0"'), 400) == "ticket-not-editable"
    )


async def test_a_malformed_if_match_is_refused(market: Market) -> None:
    ticket = await market.a_ticket()

    assert code_of(await market.put(ticket, BODY, If_Match="0"), 400) == "if-match-invalid"


# Withdrawing, and back on sale


async def test_a_second_withdrawal_has_the_answer_of_the_first(market: Market, stream: FakeStream) -> None:
    ticket = await market.a_ticket()

    answers = [await market.delete(ticket, If_Match='"0"') for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert await emitted(stream, "ticket.withdrawn", 1) == [{"id": ticket["id"], "version": 1}]


async def test_a_withdrawn_listing_is_put_back_on_sale_once(market: Market, stream: FakeStream) -> None:
    ticket = await market.a_ticket("Opera")
    await market.delete(ticket)

    answers = [await market.relist(ticket) for _ in range(2)]

    for answer in answers:
        assert answer.status_code == 200
        assert answer.json() == ticket | {"version": 2}
    assert await market.titles() == ["Opera"]
    (event,) = await emitted(stream, "ticket.updated", 1)
    assert (event["version"], event["withdrawn"], event["title"]) == (2, False, "Opera")


async def test_only_its_seller_puts_a_listing_back(market: Market, client: httpx.AsyncClient) -> None:
    ticket = await market.a_ticket()

    assert code_of(await market.relist(ticket, a_user()), 401) == "not-authorized"
    await market.delete(ticket)
    assert code_of(await market.relist(ticket, a_user()), 404) == "ticket-withdrawn"
    assert code_of(await client.post(f"/api/tickets/{ticket['id']}/relist"), 401) == "not-authorized"
    assert code_of(await market.relist({"id": "x"}), 404) == "not-found"


async def test_a_listing_that_an_order_took_as_it_was_withdrawn_is_not_put_back(
    market: Market, stream: FakeStream
) -> None:
    ticket = await market.a_ticket()
    await market.delete(ticket)
    await deliver(stream, Sale.of(ticket).created())

    refused = await market.relist(ticket)

    assert code_of(refused, 400) == "ticket-not-relistable"


async def test_a_listing_whose_day_is_over_is_not_put_back(market: Market, database: Database) -> None:
    ticket = (await market.post(BODY | {"eventDate": "2087-05-31"})).json()
    await market.delete(ticket)
    yesterday = (times.now() - timedelta(days=2)).date().isoformat()
    change = {"$set": {"details.event_date": yesterday}}
    await database["tickets"].update_one({"_id": ticket["id"]}, change)

    refused = await market.relist(ticket)

    assert entries_of(refused, 400) == [
        {"code": "event-date-past", "message": "The date of the event is over", "field": "eventDate"}
    ]
