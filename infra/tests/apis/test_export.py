"""The file of a user's own data: each service's part of it, and none of it another user's."""

from typing import Any

import pytest
from tests.apis.shop import Shop

from client.api import Api
from common.base.errors import BadRequest, NotAuthorized
from common.base.identity import CurrentUser
from common.testing.browser import SESSIONS

APIS = ("users", "tickets", "orders", "payments")
PASSWORD = "a long password"


async def export(api: Api) -> list[dict[str, Any]]:
    """Every record of every service."""
    found: list[dict[str, Any]] = []
    for name in APIS:
        cursor: str | None = ""
        while cursor is not None:
            page = await api.export(name, cursor)
            found += page.records
            cursor = page.next
    return found


def user_in(cookies: object) -> CurrentUser:
    (text,) = [one for one in cookies if one.startswith(SESSIONS.cookie)]  # type: ignore[attr-defined]
    user = SESSIONS.read(text.partition("=")[2].partition(";")[0])
    assert user is not None
    return user


async def test_the_file_has_what_the_services_store_of_the_user_and_no_secret(shop: Shop) -> None:
    ada = user_in(await shop.visitors.signup("ada@shop.test", PASSWORD))
    api = shop.api(ada)
    ticket = await api.create_ticket({"title": "Concert", "price": "20"})

    records = await export(api)

    (user,) = [each for each in records if each["collection"] == "users"]
    assert (user["id"], user["email"], user["passwordHash"]) == (ada.id, "ada@shop.test", True)
    (listing,) = [each for each in records if each["collection"] == "tickets"]
    assert (listing["id"], listing["title"], listing["priceCents"]) == (ticket.id, "Concert", 2000)
    (session,) = [each for each in records if each["collection"] == "sessions"]
    assert session["id"] == ada.session_id


async def test_a_file_has_nothing_of_another_user(shop: Shop) -> None:
    ada = user_in(await shop.visitors.signup("ada@shop.test", PASSWORD))
    await shop.api(ada).create_ticket({"title": "Concert", "price": "20"})
    bob = user_in(await shop.visitors.signup("bob@shop.test", PASSWORD))

    text = str(await export(shop.api(bob)))

    assert "bob@shop.test" in text
    assert not any(word in text for word in (ada.id, "ada@shop.test", "Concert"))


@pytest.mark.parametrize("name", APIS)
async def test_a_visitor_gets_no_export_and_a_made_up_cursor_is_refused(shop: Shop, name: str) -> None:
    with pytest.raises(NotAuthorized):
        await shop.visitors.export(name, "")
    with pytest.raises(BadRequest):
        await shop.buyers.export(name, "other:1")
