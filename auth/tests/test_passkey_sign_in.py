"""Sign-ins by a passkey that are refused: each is one that a thief or a machine would try."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.passkeys import EMAIL, SIGN_IN, User

from auth.domain import Email
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.authenticator import PRESENT, VERIFIED, Authenticator, encoded
from common.testing.browser import BASE_URL
from common.testing.security import SecurityLines


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> User:
    user = User(client)
    await user.sign_up()
    await user.add()
    return user


async def answer_of(user: User, **client_data: object) -> dict[str, Any]:
    user.client.cookies.clear()
    return user.device.get(await user.sign_in_options(), **client_data)


async def test_an_answer_signs_in_once_however_often_it_is_sent(ada: User) -> None:
    answer = await answer_of(ada)

    sent = await asyncio.gather(*(ada.send_sign_in(answer) for _ in range(5)))

    assert sorted(each.status_code for each in sent) == [200] + [400] * 4


async def test_a_device_without_a_counter_signs_in_again_and_again(ada: User) -> None:
    ada.device.counts = False

    for _ in range(3):
        assert (await ada.sign_in()).status_code == 200


async def test_a_count_that_does_not_grow_is_a_copied_key(ada: User) -> None:
    (credential,) = ada.device.credentials.values()
    for _ in range(2):
        assert (await ada.sign_in()).status_code == 200
    credential.count = 1

    assert code_of(await ada.sign_in(), 400) == "passkey-refused"


@pytest.mark.parametrize("flags", [0, PRESENT, VERIFIED])
async def test_a_device_that_did_not_verify_its_user_is_refused(ada: User, flags: int) -> None:
    ada.device.flags = flags

    assert code_of(await ada.sign_in(), 400) == "passkey-refused"


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://gittix.evil.test"},
        {"origin": "https://gittix.test"},
        {"origin": None},
        {"type": "webauthn.create"},
        {"crossOrigin": True},
    ],
)
async def test_an_answer_of_another_page_is_refused(ada: User, said: dict[str, object]) -> None:
    assert code_of(await ada.send_sign_in(await answer_of(ada, **said)), 400) == "passkey-refused"


async def test_a_passkey_of_another_host_is_refused(ada: User) -> None:
    options = await ada.sign_in_options() | {"rpId": "evil.test"}

    assert code_of(await ada.send_sign_in(ada.device.get(options)), 400) == "passkey-refused"


async def test_an_answer_to_a_challenge_that_is_not_ours_is_late(ada: User) -> None:
    for challenge in (encoded(bytes(54)), "", encoded(b"x" * 500)):
        answer = ada.device.get({**await ada.sign_in_options(), "challenge": challenge})

        assert code_of(await ada.send_sign_in(answer), 400) == "passkey-late"


async def test_an_answer_for_another_purpose_signs_nobody_in(ada: User) -> None:
    proof = await ada.prove()
    ada.client.cookies.clear()

    assert code_of(await ada.send_sign_in(proof), 400) == "passkey-late"


async def test_a_passkey_that_claims_anothers_handle_or_credential_is_refused(ada: User) -> None:
    ((name, mine),) = ada.device.credentials.items()
    ada.client.cookies.clear()
    await ada.sign_up("eve@example.test")
    eve = User(ada.client, Authenticator(BASE_URL))
    await eve.add()
    ((other, evil),) = eve.device.credentials.items()

    evil.handle = mine.handle
    assert code_of(await eve.sign_in(), 400) == "passkey-refused"
    eve.device.credentials = {name: evil}
    assert code_of(await eve.sign_in(), 400) == "passkey-refused"
    assert other != name


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {},
        {"id": "a"},
        {"id": 5, "rawId": 5, "type": "public-key", "response": {}},
        {"id": "a", "rawId": "a", "type": "public-key", "response": {"clientDataJSON": "e30"}},
        {"id": "a", "response": {"clientDataJSON": "W10"}},
        {"id": "a", "response": {"clientDataJSON": "\0"}},
        {"id": "x" * 20_000},
        {"$gt": ""},
    ],
)
async def test_an_answer_that_can_not_be_read_is_refused_in_the_common_form(
    client: httpx.AsyncClient, answer: Any
) -> None:
    assert code_of(await client.post(SIGN_IN, json={"credential": answer}), 400) == "passkey-refused"


@pytest.mark.parametrize("part", ["signature", "authenticatorData", "clientDataJSON", "userHandle"])
@pytest.mark.parametrize("value", ["", "AAAA", "!", 5, None, "x" * 3000])
async def test_an_answer_with_a_bad_part_is_refused(ada: User, part: str, value: Any) -> None:
    answer = await answer_of(ada)
    answer["response"][part] = value

    assert code_of(await ada.send_sign_in(answer), 400) == "passkey-refused"


async def test_failures_of_an_address_are_limited_and_let_passwords_in(ada: User) -> None:
    bad = await answer_of(ada, type="webauthn.create")
    for _ in range(30):
        assert code_of(await ada.send_sign_in(bad), 400) == "passkey-refused"

    refused = await ada.sign_in()
    assert code_of(refused, 429) == "too-many-tries"
    assert int(refused.headers["Retry-After"]) > 0
    body = {"email": EMAIL, "password": "correct horse"}
    assert (await ada.client.post("/api/users/signin", json=body)).status_code == 200


async def test_a_stranger_writes_nothing_but_the_count_of_failures(ada: User, database: Database) -> None:
    for _ in range(3):
        await ada.sign_in_options()
        await ada.send_sign_in(await answer_of(ada, origin="https://evil.test"))

    spent = await database["spent_challenges"].find({})
    assert len(spent) == 1, "that of adding the passkey"


async def test_the_security_log_names_the_user_of_each_step(
    app: FastAPI, ada: User, security_lines: SecurityLines
) -> None:
    await ada.add("Laptop")
    session = ada.client.cookies["session"]
    await ada.sign_in()
    await ada.send_sign_in(await answer_of(ada, type="webauthn.create"))
    ada.client.cookies["session"] = session
    await ada.client.delete(f"/api/users/passkeys/{(await ada.passkeys())[0]['id']}")

    events = [line["event"] for line in security_lines.lines]
    expected = ["authn_passkey_added", "authn_login_success", "authn_login_fail", "authn_passkey_removed"]
    assert events == expected
    _, succeeded, _, removed = security_lines.lines
    assert succeeded["user_id"] == removed["user_id"]
    assert succeeded["email_hash"] == app.state.email_hashes.of(Email.parse(EMAIL))
