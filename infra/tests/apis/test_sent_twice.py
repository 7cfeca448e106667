"""Requests that are sent twice, over the services and over client's fake of them."""

from collections.abc import Mapping

import pytest
from tests.apis.shop import Shop

from common.base.errors import AppError, KeyReused
from common.testing.browser import SESSIONS, a_user

OFFER = {"title": "Opera", "price": "20", "venue": "Globe"}
REUSED = ("idempotency-key-reused", "This Idempotency-Key belongs to another request", None)
BAD_KEY = (
    "idempotency-key-invalid",
    "Idempotency-Key must be one key of 1 to 64 visible ASCII characters",
    None,
)
CHANGED = ("ticket-changed", "The ticket has changed, please look again", None)


async def test_an_offer_that_is_sent_twice_has_the_answer_of_the_first(shop: Shop) -> None:
    await shop.sellers.create_ticket(OFFER, "key")
    first = shop.json(201)
    await shop.sellers.withdraw_ticket(first["id"])

    await shop.sellers.create_ticket({**OFFER, "price": "20.00", "seat": ""}, "key")

    assert shop.json(201) == first
    assert len((await shop.sellers.tickets({"seller": "me"})).items) == 1


@pytest.mark.parametrize("change", [{"price": "21"}, {"seat": "A 1"}, {"venue": ""}])
async def test_another_offer_under_the_same_key_is_refused_and_names_the_first(
    shop: Shop, change: Mapping[str, str]
) -> None:
    first = await shop.sellers.create_ticket(OFFER, "key")

    with pytest.raises(KeyReused) as refused:
        await shop.sellers.create_ticket(OFFER | dict(change), "key")
    with shop.refuses(422, REUSED):
        await shop.sellers.create_ticket(OFFER | dict(change), "key")

    assert refused.value.created == f"/api/tickets/{first.id}"
    other = await shop.buyers.create_ticket(OFFER | dict(change), "key")
    assert other.id != first.id


async def test_a_refused_offer_leaves_its_key_free(shop: Shop) -> None:
    with pytest.raises(AppError):
        await shop.sellers.create_ticket({**OFFER, "title": ""}, "key")

    await shop.sellers.create_ticket(OFFER, "key")

    assert shop.json(201)["title"] == "Opera"


@pytest.mark.parametrize("key", ["x" * 65, "a b"])
async def test_a_malformed_key_is_refused(shop: Shop, key: str) -> None:
    with shop.refuses(400, BAD_KEY):
        await shop.sellers.create_ticket(OFFER, key)
    with shop.refuses(400, BAD_KEY):
        await shop.visitors.signup("ada@example.test", "a long password", key)


async def test_an_order_that_is_sent_twice_has_the_answer_of_the_first(shop: Shop) -> None:
    ticket = (await shop.ordered(buyer=shop.api(a_user()))).ticket
    another = await shop.ordered()
    await shop.buyers.cancel_order(another.id)
    await shop.is_free(another.ticket.id)

    await shop.buyers.create_order(another.ticket.id, "20", "key")
    first = shop.json(201)
    await shop.buyers.cancel_order(first["id"])
    await shop.buyers.create_order(another.ticket.id, "20.00", "key")

    assert shop.json(201) == first
    with shop.refuses(422, REUSED):
        await shop.buyers.create_order(ticket.id, "20", "key")


async def test_a_sign_up_that_is_sent_twice_begins_a_session_both_times(shop: Shop) -> None:
    await shop.visitors.signup("ada@example.test", "a long password", "key")
    first = shop.json(201)

    cookie, *_ = await shop.visitors.signup("ADA@example.test", "a long password", "key")

    assert shop.json(201) == first
    session = SESSIONS.read(cookie.partition(";")[0].partition("=")[2])
    assert session is not None
    assert session.id == first["id"]


@pytest.mark.parametrize(
    ("email", "password"), [("bob@example.test", "a long password"), ("ada@example.test", "another password")]
)
async def test_another_sign_up_under_the_same_key_is_refused(shop: Shop, email: str, password: str) -> None:
    await shop.visitors.signup("ada@example.test", "a long password", "key")

    with shop.refuses(422, REUSED):
        await shop.visitors.signup(email, password, "key")
    assert "set-cookie" not in shop.answers.last.headers


async def test_an_edit_of_an_older_version_is_refused_unless_it_took_effect(shop: Shop) -> None:
    ticket = await shop.lists("Opera")
    await shop.visitors.ticket(ticket.id)
    assert shop.answers.last.headers["etag"] == '"0"'

    for _ in range(2):
        await shop.sellers.update_ticket(ticket.id, OFFER, "0")
        assert shop.json(200)["version"] == 1
    with shop.refuses(412, CHANGED):
        await shop.sellers.update_ticket(ticket.id, {**OFFER, "price": "21"}, "0")
    await shop.sellers.update_ticket(ticket.id, {**OFFER, "price": "21"}, "1")

    assert shop.json(200)["version"] == 2
