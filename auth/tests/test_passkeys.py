"""Passkeys of an account: add, name, use, remove."""

import asyncio
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
from fastapi import FastAPI
from tests.mailbox import Mailbox
from tests.passkeys import EMAIL, PASSWORD, PATH, User

from auth.consequences import sweep
from common.base import times
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.authenticator import PRESENT, decoded
from common.testing.browser import SESSIONS

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> User:
    user = User(client)
    await user.sign_up()
    return user


@pytest.fixture
def mailbox(database: Database) -> Mailbox:
    return Mailbox(database)


async def test_a_user_adds_two_passkeys_and_signs_in_by_either_without_an_address(ada: User) -> None:
    await ada.add("Phone")
    phone = next(iter(ada.device.credentials))
    await ada.add("Laptop")

    for name in (phone, None):
        ada.client.cookies.clear()
        options = await ada.sign_in_options()
        answer = await ada.send_sign_in(ada.device.get(options, name))

        assert answer.status_code == 200
        assert answer.json()["email"] == EMAIL
        session = SESSIONS.read(ada.client.cookies["session"])
        assert session is not None
        assert session.id == answer.json()["id"]
        assert "device" in ada.client.cookies
        assert options["allowCredentials"] == []
    assert [each["name"] for each in await ada.passkeys()] == ["Phone", "Laptop"]


async def test_a_passkey_says_when_it_was_added_and_last_used(ada: User) -> None:
    await ada.add()
    (fresh,) = await ada.passkeys()
    await ada.sign_in()
    (used,) = await ada.passkeys()

    assert set(fresh) == {"id", "name", "created", "lastUsed"}
    assert fresh["lastUsed"] is None
    assert used["lastUsed"] >= fresh["created"]
    assert used["lastUsed"].endswith("Z")


async def test_a_device_learns_an_account_by_a_random_handle_that_stays(ada: User) -> None:
    options = (await ada.options()).json()
    again = (await ada.options()).json()

    handle = options["user"]["id"]
    assert again["user"]["id"] == handle
    assert len(decoded(handle)) == 32
    assert (options["rp"]["id"], options["user"]["name"]) == ("gittix.test", EMAIL)
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert options["attestation"] == "none"
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-8, -7, -257]


async def test_a_device_is_asked_for_no_second_passkey_of_the_account(ada: User) -> None:
    await ada.add()

    (excluded,) = (await ada.options()).json()["excludeCredentials"]

    assert excluded["id"] in ada.device.credentials


@pytest.mark.parametrize(
    ("proof", "code"),
    [
        ({"password": "wrong horse"}, "password-wrong"),
        ({"password": ""}, "password-required"),
        ({"passkey": {}}, "passkey-refused"),
        ({"passkey": "text"}, "passkey-refused"),
    ],
)
async def test_a_passkey_is_added_only_after_a_proof(ada: User, proof: dict[str, Any], code: str) -> None:
    assert code_of(await ada.options(**proof), 400) == code


async def test_a_passkey_is_a_proof_to_add_another_one(ada: User) -> None:
    await ada.add()

    options = await ada.options(passkey=await ada.prove())

    assert options.status_code == 200
    assert (await ada.send_new(ada.device.create(options.json()), "Key")).status_code == 201


@pytest.mark.parametrize("name", ["", "   ", "x" * 51, "x" * 500, "a\u202eb", "a\nb", 5, None])
async def test_a_passkey_has_a_name(ada: User, name: Any) -> None:
    options = (await ada.options()).json()

    assert code_of(await ada.send_new(ada.device.create(options), name), 400) == "passkey-name-invalid"


async def test_an_account_has_at_most_ten_passkeys_however_many_are_added_at_once(ada: User) -> None:
    answers = [ada.device.create((await ada.options()).json()) for _ in range(12)]

    sent = await asyncio.gather(*(ada.send_new(answer) for answer in answers))

    assert sorted(each.status_code for each in sent) == [201] * 10 + [400] * 2
    assert len(await ada.passkeys()) == 10
    assert code_of(await ada.options(), 400) == "passkey-limit"


async def test_a_device_that_adds_one_credential_twice_has_it_once(ada: User) -> None:
    options = (await ada.options()).json()
    answer = ada.device.create(options)
    assert (await ada.send_new(answer)).status_code == 201
    assert code_of(await ada.send_new(answer), 400) == "passkey-late"

    other = (await ada.options()).json()
    (name,) = ada.device.credentials
    again = ada.device.create(other)
    forged = again | {"id": name, "rawId": name}

    assert code_of(await ada.send_new(forged), 400) == "passkey-unreadable"


async def test_a_removed_passkey_signs_nobody_in(ada: User) -> None:
    passkey_id = await ada.add()
    session = ada.client.cookies["session"]

    assert (await ada.client.delete(f"{PATH}/{passkey_id}")).status_code == 204

    assert await ada.passkeys() == []
    assert code_of(await ada.sign_in(), 400) == "passkey-refused"
    ada.client.cookies["session"] = session
    assert (await ada.client.delete(f"{PATH}/{passkey_id}")).status_code == 404


async def test_a_passkey_is_renamed(ada: User) -> None:
    passkey_id = await ada.add()

    assert (await ada.client.put(f"{PATH}/{passkey_id}", json={"name": " Work "})).status_code == 204

    assert [each["name"] for each in await ada.passkeys()] == ["Work"]


@pytest.mark.parametrize("passkey_id", ["unknown", "%00", "a" * 24, "%F0%9F"])
async def test_an_unknown_passkey_is_not_found(ada: User, passkey_id: str) -> None:
    assert (await ada.client.put(f"{PATH}/{passkey_id}", json={"name": "x"})).status_code == 404
    assert (await ada.client.delete(f"{PATH}/{passkey_id}")).status_code == 404


async def test_another_users_passkey_is_not_found(ada: User) -> None:
    passkey_id = await ada.add()
    ada.client.cookies.clear()
    await ada.sign_up("eve@example.test")

    assert (await ada.client.put(f"{PATH}/{passkey_id}", json={"name": "Mine"})).status_code == 404
    assert (await ada.client.delete(f"{PATH}/{passkey_id}")).status_code == 404
    assert (await ada.sign_in()).status_code == 200


async def test_the_owner_is_told_by_mail(ada: User, mailbox: Mailbox) -> None:
    passkey_id = await ada.add("Phone")
    await ada.client.delete(f"{PATH}/{passkey_id}")

    for kind in ("passkey-added", "passkey-removed"):
        (mail,) = await mailbox.all(EMAIL, kind)
        assert mail["data"]["name"] == "Phone"
        assert mail["data"]["path"] == "/auth/forgot"


async def test_the_owner_is_told_after_a_crash_and_changes_of_a_newer_release_are_left(
    app: FastAPI, ada: User, database: Database, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ada.device.create((await ada.options()).json())
    put = app.state.context.repositories.mails.put
    monkeypatch.setattr(app.state.context.repositories.mails, "put", AsyncMock(side_effect=RuntimeError))
    assert (await ada.send_new(answer)).status_code == 500
    newer = {"id": "x", "kind": "of-tomorrow", "at": times.now(), "to": EMAIL}
    await database["users"].update_one({"email": EMAIL}, {"$push": {"changes": newer}})

    app.state.context.repositories.mails.put = put
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + 2 * MINUTE)
    monkeypatch.setattr("auth.consequences.asyncio.sleep", AsyncMock(side_effect=EOFError))
    with pytest.raises(EOFError):
        await sweep(app.state.context)

    assert len(await mailbox.all(EMAIL, "passkey-added")) == 1
    stored = await database["users"].find_one({"email": EMAIL})
    assert stored is not None
    assert [each["kind"] for each in stored["changes"]] == ["of-tomorrow"]


async def test_a_reset_removes_the_passkeys_and_a_change_of_the_password_keeps_them(
    ada: User, mailbox: Mailbox
) -> None:
    await ada.add()
    change = {"current": PASSWORD, "password": "battery staple"}
    assert (await ada.client.put("/api/users/password", json=change)).status_code == 204
    assert (await ada.sign_in()).status_code == 200

    await ada.client.post("/api/users/password/reset/request", json={"email": EMAIL})
    reset = {"token": await mailbox.token(EMAIL, "reset"), "password": "a third battery"}
    assert (await ada.client.post("/api/users/password/reset", json=reset)).status_code == 200

    assert code_of(await ada.sign_in(), 400) == "passkey-refused"


async def test_a_passkey_that_was_begun_before_a_reset_is_not_added_after_it(
    ada: User, mailbox: Mailbox
) -> None:
    answer = ada.device.create((await ada.options()).json())
    await ada.client.post("/api/users/password/reset/request", json={"email": EMAIL})
    new = "a third battery"
    reset = {"token": await mailbox.token(EMAIL, "reset"), "password": new}
    await ada.client.post("/api/users/password/reset", json=reset)

    assert (await ada.send_new(answer)).status_code == 401
    await ada.client.post("/api/users/signin", json={"email": EMAIL, "password": new})
    assert code_of(await ada.send_new(answer), 400) == "passkey-late"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/options"),
        ("POST", "/proof/options"),
        ("POST", ""),
        ("GET", ""),
        ("PUT", "/x"),
        ("DELETE", "/x"),
    ],
)
async def test_a_visitor_has_no_passkeys(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, f"{PATH}{path}", json={})).status_code == 401


async def test_an_answer_is_late_after_five_minutes(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    await ada.add()
    answer = ada.device.get(await ada.sign_in_options())
    new = ada.device.create((await ada.options()).json())
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + 5 * MINUTE)

    assert code_of(await ada.send_sign_in(answer), 400) == "passkey-late"
    assert code_of(await ada.send_new(new), 400) == "passkey-late"


async def test_a_device_that_does_not_verify_its_user_adds_none(ada: User) -> None:
    ada.device.flags = PRESENT

    answer = ada.device.create((await ada.options()).json())

    assert code_of(await ada.send_new(answer), 400) == "passkey-unreadable"


@pytest.mark.parametrize(("path", "body"), [("password", "current"), ("email", "password")])
async def test_a_passkey_stands_in_for_the_password(ada: User, path: str, body: str) -> None:
    await ada.add()
    change = {"password": "battery staple"} if path == "password" else {"email": "ada@work.test"}
    address = f"/api/users/{path}"

    changed = await ada.client.put(address, json=change | {"passkey": await ada.prove()})

    assert changed.status_code == (204 if path == "password" else 202)
    assert code_of(await ada.client.put(address, json=change | {body: ""}), 400) == "password-required"


async def test_the_proof_of_one_session_or_user_is_none_for_another(ada: User) -> None:
    await ada.add()
    proof = await ada.prove()
    await ada.sign_in()
    change = {"password": "battery staple", "passkey": proof}

    assert code_of(await ada.client.put("/api/users/password", json=change), 400) == "passkey-late"

    ada.client.cookies.clear()
    await ada.sign_up("eve@example.test")
    eve = User(ada.client)
    await eve.add()
    options = (await ada.client.post(f"{PATH}/proof/options")).json()
    change["passkey"] = ada.device.get(options)
    assert code_of(await ada.client.put("/api/users/password", json=change), 400) == "passkey-refused"


async def test_a_device_need_not_name_the_user_in_a_proof(ada: User) -> None:
    await ada.add()
    proof = await ada.prove()
    del proof["response"]["userHandle"]

    assert (await ada.options(passkey=proof)).status_code == 200


async def test_a_passkey_proves_a_deletion_and_signs_in_no_longer(ada: User) -> None:
    await ada.add()

    deleted = await ada.client.request("DELETE", "/api/users/me", json={"passkey": await ada.prove()})

    assert deleted.status_code == 202
    assert code_of(await ada.sign_in(), 400) == "passkey-refused"
