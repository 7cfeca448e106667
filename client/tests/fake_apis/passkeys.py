"""The passkeys of an account, of the users API. No signature is verified: a known credential is enough."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

import httpx

from common.base import times
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.error_codes import ErrorCode

from . import accounts
from .fields import Refusal, body_of, checked, not_found, refuse, user_of
from .records import Records
from .users import session

SHOWN = ("id", "name", "created", "lastUsed")
HOST = "gittix.test"
MINUTES_5 = 300_000


def proof_of(user: CurrentUser) -> str:
    return f"prove {user.id} {user.session_id}"


def options_to_sign_in(records: Records, _request: httpx.Request) -> httpx.Response:
    if records.without_passkeys:
        raise not_found()
    return httpx.Response(200, json=_to_use(records, "sign-in"))


def sign_in(records: Records, request: httpx.Request) -> httpx.Response:
    body = body_of(request)
    answer = checked(credential=lambda: _read(body.get("credential"), _refused()))["credential"]
    user_id = use(records, answer, "sign-in")
    email = records.emails[user_id]
    return session(records, request, 200, records.users[email.casefold()][0], email)


def options_to_prove(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    own = [name for name, passkey in records.passkeys.items() if passkey["user_id"] == user.id]
    if not own:
        raise _refused()
    return httpx.Response(200, json=_to_use(records, proof_of(user), *own))


def options_to_add(records: Records, request: httpx.Request) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    checked(password=lambda: accounts.own_password(body, "password"))
    accounts.verify(records, user, body, "password")
    name = records.emails[user.id]
    return httpx.Response(
        200,
        json={
            "rp": {"name": "GitTix", "id": HOST},
            "user": {"id": user.id, "name": name, "displayName": name},
            "challenge": _challenge(records, f"add {user.id}"),
            "timeout": MINUTES_5,
        },
    )


def add(records: Records, request: httpx.Request) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    unreadable = refuse(400, ErrorCode.PASSKEY_UNREADABLE, "This device's passkey could not be added")
    given = checked(
        name=lambda: _name(body.get("name")), credential=lambda: _read(body.get("credential"), unreadable)
    )
    _spend(records, given["credential"], f"add {user.id}", unreadable)
    passkey = {"id": new_id(), "name": given["name"], "created": times.iso(times.now()), "lastUsed": None}
    records.passkeys[given["credential"]["id"]] = {**passkey, "user_id": user.id}
    return httpx.Response(201, json=passkey)


def index(records: Records, request: httpx.Request) -> httpx.Response:
    if records.without_passkeys:
        raise not_found()
    user = user_of(request)
    own = [each for each in records.passkeys.values() if each["user_id"] == user.id]
    return httpx.Response(200, json=[{name: each[name] for name in SHOWN} for each in own])


def rename(records: Records, request: httpx.Request, passkey_id: str) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    name = checked(name=lambda: _name(body.get("name")))["name"]
    records.passkeys[_own(records, user, passkey_id)]["name"] = name
    return httpx.Response(204)


def remove(records: Records, request: httpx.Request, passkey_id: str) -> httpx.Response:
    del records.passkeys[_own(records, user_of(request), passkey_id)]
    return httpx.Response(204)


def use(records: Records, answer: Mapping[str, Any], purpose: str, user_id: str | None = None) -> str:
    """The id of the user whose passkey answered. user_id: Whose it has to be; None for anybody's."""
    _spend(records, answer, purpose, _refused())
    passkey = records.passkeys.get(answer["id"])
    if passkey is None or user_id not in (None, passkey["user_id"]):
        raise _refused()
    passkey["lastUsed"] = times.iso(times.now())
    owner: str = passkey["user_id"]
    return owner


def _own(records: Records, user: CurrentUser, passkey_id: str) -> str:
    for name, passkey in records.passkeys.items():
        if (passkey["id"], passkey["user_id"]) == (passkey_id, user.id):
            return name
    raise not_found()


def _to_use(records: Records, purpose: str, *allowed: str) -> Mapping[str, Any]:
    return {
        "challenge": _challenge(records, purpose),
        "timeout": MINUTES_5,
        "rpId": HOST,
        "allowCredentials": [{"id": name, "type": "public-key"} for name in allowed],
        "userVerification": "required",
    }


def _challenge(records: Records, purpose: str) -> str:
    challenge = new_id()
    records.challenges[challenge] = purpose
    return challenge


def _spend(records: Records, answer: Mapping[str, Any], purpose: str, refusal: Refusal) -> None:
    try:
        said = json.loads(urlsafe_b64decode(answer["response"]["clientDataJSON"] + "==="))["challenge"]
    except (KeyError, TypeError, ValueError):
        raise refusal from None
    if records.challenges.pop(said, None) != purpose:
        raise refuse(400, ErrorCode.PASSKEY_LATE, "That took too long, please try again")


def _read(answer: object, refusal: Refusal) -> Any:
    if not isinstance(answer, dict):
        raise refusal
    return answer


def _name(value: object) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(name) <= 50:
        raise refuse(400, ErrorCode.PASSKEY_NAME_INVALID, "Name must be 1 to 50 characters", "name")
    return name


def _refused() -> Refusal:
    message = "This passkey does not work here: it may have been removed"
    return refuse(400, ErrorCode.PASSKEY_REFUSED, message)
