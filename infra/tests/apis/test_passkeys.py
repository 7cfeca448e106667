"""Passkeys, over the auth service and over client's fake of it."""

import json
from typing import Any

import pytest
from tests.apis.shop import Shop
from tests.apis.test_users import PASSWORD, session_of

from client.api import Api
from client.schemas import Passkey
from common.testing.authenticator import Authenticator
from common.testing.browser import BASE_URL, SESSIONS

REFUSED = ("passkey-refused", "This passkey does not work here: it may have been removed", None)
LATE = ("passkey-late", "That took too long, please try again", None)


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(BASE_URL)


@pytest.fixture
async def ada(shop: Shop) -> Api:
    cookies = await shop.visitors.signup("ada@example.test", PASSWORD)
    return shop.api(SESSIONS.read(session_of(list(cookies))[0]))


async def add(api: Api, device: Authenticator, name: str = "Phone") -> None:
    options = json.loads(await api.options_to_add_passkey(PASSWORD, None))
    await api.add_passkey(name, device.create(options))


async def answer_of(api: Api, device: Authenticator) -> dict[str, Any]:
    return device.get(json.loads(await api.options_to_sign_in()))


async def test_a_passkey_is_added_named_used_and_removed(shop: Shop, ada: Api, device: Authenticator) -> None:
    await add(ada, device)
    (passkey,) = await own(ada)
    assert (passkey.name, passkey.last_used) == ("Phone", None)

    await ada.rename_passkey(passkey.id, " Work phone ")
    cookies = await shop.visitors.signin_by_passkey(await answer_of(shop.visitors, device))

    assert shop.json(200)["email"] == "ada@example.test"
    session = SESSIONS.read(session_of(list(cookies))[0])
    assert session is not None
    assert session.id == shop.json(200)["id"]
    assert any(cookie.startswith("device=") for cookie in cookies)
    (used,) = await own(ada)
    assert used.name == "Work phone"
    assert used.last_used is not None

    await ada.remove_passkey(passkey.id)
    assert await own(ada) == []
    with shop.refuses(400, REFUSED):
        await shop.visitors.signin_by_passkey(await answer_of(shop.visitors, device))
    for asked in (ada.remove_passkey(passkey.id), ada.rename_passkey(passkey.id, "x")):
        with shop.refuses(404, ("not-found", "Not found", None)):
            await asked


async def test_an_answer_counts_once(shop: Shop, ada: Api, device: Authenticator) -> None:
    device.counts = False
    await add(ada, device)
    answer = await answer_of(shop.visitors, device)
    await shop.visitors.signin_by_passkey(answer)

    with shop.refuses(400, LATE):
        await shop.visitors.signin_by_passkey(answer)


async def test_a_passkey_is_added_by_a_proof_and_has_a_name(
    shop: Shop, ada: Api, device: Authenticator
) -> None:
    with shop.refuses(400, ("password-wrong", "That is not your password", "password")):
        await ada.options_to_add_passkey("a wrong password", None)
    with shop.refuses(400, ("password-required", "You must supply a password", "password")):
        await ada.options_to_add_passkey("", None)
    with shop.refuses(400, ("passkey-name-invalid", "Name must be 1 to 50 characters", "name")):
        await add(ada, device, "")
    with shop.refuses(400, REFUSED):
        await ada.options_to_prove()


async def test_a_passkey_stands_in_for_the_password(shop: Shop, ada: Api, device: Authenticator) -> None:
    await add(ada, device)

    async def proof() -> dict[str, Any]:
        return device.get(json.loads(await ada.options_to_prove()))

    await ada.options_to_add_passkey("", await proof())
    await ada.change_email("ada@work.test", "", await proof())
    await ada.change_password("", "another password", await proof())

    used = await answer_of(shop.visitors, device)
    with shop.refuses(400, LATE):
        await ada.change_password("", "a third password", used)
    await shop.visitors.signin("ada@example.test", "another password")


async def own(api: Api) -> list[Passkey]:
    found = await api.passkeys()
    assert found is not None
    return found
