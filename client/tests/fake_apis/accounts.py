"""Changes of an account: its address and its password, by mailed links and by its user."""

from collections.abc import Mapping
from typing import Any

import httpx
from starlette.responses import Response

from common.base.identity import CurrentUser
from common.contract.error_codes import ErrorCode
from common.testing.browser import SESSIONS

from . import passkeys
from .fields import Refusal, body_of, checked, email, refuse, user_of
from .records import Records
from .users import known_password, new_password, own, renewed

LINK_INVALID = "This link was used before, was replaced by a newer one, or is too old"


def confirm(records: Records, request: httpx.Request) -> httpx.Response:
    _, user_id, address = _spent(records, body_of(request)["token"], "confirm", "address-change")
    if _owner_of(records, address) not in (None, user_id):
        raise refuse(400, ErrorCode.EMAIL_IN_USE, "Email in use", "email")
    records.users[address.casefold()] = records.users.pop(records.emails[user_id].casefold())
    records.emails[user_id] = address
    records.confirmed.add(user_id)
    return httpx.Response(200, json=own(records, user_id), headers=renewed(records, request))


def request_confirmation(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    if user.id not in records.confirmed:
        records.mail_link("confirm", user.id, records.emails[user.id])
    return httpx.Response(202, json={}, headers=renewed(records, request))


def request_reset(records: Records, request: httpx.Request) -> httpx.Response:
    body = body_of(request)
    address = checked(email=lambda: email(body["email"]))["email"]
    user_id = _owner_of(records, address)
    if user_id is not None:
        records.mail_link("reset", user_id, records.emails[user_id])
    return httpx.Response(202, json={})


def reset(records: Records, request: httpx.Request) -> httpx.Response:
    body = body_of(request)
    password = checked(password=lambda: new_password(body["password"]))["password"]
    _, user_id, _ = _spent(records, body["token"], "reset")
    _set_password(records, user_id, password)
    for name, passkey in list(records.passkeys.items()):
        if passkey["user_id"] == user_id:
            del records.passkeys[name]
    records.confirmed.add(user_id)
    return httpx.Response(200, json={})


def change_password(records: Records, request: httpx.Request) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    given = checked(
        current=lambda: own_password(body, "current"),
        password=lambda: new_password(body["password"]),
    )
    verify(records, user, body, "current")
    _set_password(records, user.id, given["password"])
    return httpx.Response(204)


def change_email(records: Records, request: httpx.Request) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    given = checked(email=lambda: email(body["email"]), password=lambda: own_password(body, "password"))
    verify(records, user, body, "password")
    records.mail_link("address-change", user.id, given["email"])
    return httpx.Response(202, json={})


def delete(records: Records, request: httpx.Request) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    checked(password=lambda: own_password(body, "password"))
    verify(records, user, body, "password")
    del records.users[records.emails.pop(user.id).casefold()]
    for name, session in list(records.sessions.items()):
        if session["userId"] == user.id:
            del records.sessions[name]
    for listing in records.tickets.values():
        if (listing.user_id, listing.status) == (user.id, "available"):
            listing.change(status="withdrawn")
    ended = Response()
    SESSIONS.end(ended)
    return httpx.Response(202, json={}, headers={"Set-Cookie": ended.headers["set-cookie"]})


def choose_mails(records: Records, request: httpx.Request) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    if body["language"] not in ("en", "zh"):
        raise refuse(400, ErrorCode.BODY_INVALID, "Language must be 'en' or 'zh'", "language")
    records.languages[user.id] = body["language"]
    (records.quiet.discard if body["notices"] else records.quiet.add)(user.id)
    return httpx.Response(204)


def unsubscribe(records: Records, request: httpx.Request) -> httpx.Response:
    user_id, _, proof = body_of(request)["token"].partition(".")
    if proof != "proof":
        raise refuse(400, ErrorCode.LINK_INVALID, LINK_INVALID)
    records.quiet.add(user_id)
    return httpx.Response(200, json={})


def _spent(records: Records, token: str, *kinds: str) -> tuple[str, str, str]:
    link = records.links.get(token)
    if link is None or link[0] not in kinds:
        raise refuse(400, ErrorCode.LINK_INVALID, LINK_INVALID)
    del records.links[token]
    return link


def _owner_of(records: Records, address: str) -> str | None:
    user, _ = records.users.get(address.casefold(), (None, None))
    return None if user is None else user.id


def verify(records: Records, user: CurrentUser, body: Mapping[str, Any], field: str) -> None:
    """Refuses a wrong password, or a passkey that is not the user's."""
    if "passkey" in body:
        passkeys.use(records, body["passkey"], passkeys.proof_of(user), user.id)
    elif records.users[records.emails[user.id].casefold()][1] != body[field]:
        raise _wrong(field)


def own_password(body: Mapping[str, Any], field: str) -> str:
    return "" if "passkey" in body else known_password(body.get(field, ""), field)


def _wrong(field: str) -> Refusal:
    return refuse(400, ErrorCode.PASSWORD_WRONG, "That is not your password", field)


def _set_password(records: Records, user_id: str, password: str) -> None:
    address = records.emails[user_id].casefold()
    records.users[address] = (records.users[address][0], password)
