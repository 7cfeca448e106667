"""The users API."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
from starlette.responses import Response

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.error_codes import ErrorCode
from common.testing.browser import SESSIONS

from . import sessions
from .fields import body_of, checked, email, once, refuse, user_of, viewer_id
from .records import Records

DEVICE_SECONDS = 400 * 24 * 3600


def signup(records: Records, request: httpx.Request) -> httpx.Response:
    body = body_of(request)
    given = checked(
        email=lambda: email(body["email"]),
        password=lambda: new_password(body["password"]),
    )
    address = given["email"].casefold()

    def create() -> Mapping[str, Any]:
        if address in records.users:
            raise refuse(400, ErrorCode.EMAIL_IN_USE, "Email in use", "email")
        user = CurrentUser(new_id())
        records.users[address] = (user, given["password"])
        records.emails[user.id] = given["email"]
        records.mail_link("confirm", user.id, given["email"])
        return {"id": user.id, "email": given["email"]}

    made = once(records, request, "", {**given, "email": address}, create)
    return session(records, request, 201, CurrentUser(made["id"]), made["email"])


def signin(records: Records, request: httpx.Request) -> httpx.Response:
    body = body_of(request)
    given = checked(
        email=lambda: email(body["email"]),
        password=lambda: known_password(body["password"]),
    )
    user, password = records.users.get(given["email"].casefold(), (None, None))
    if user is None or password != given["password"]:
        raise refuse(400, ErrorCode.INVALID_CREDENTIALS, "Invalid credentials")
    return session(records, request, 200, user, records.emails[user.id])


def signout(records: Records, request: httpx.Request) -> httpx.Response:
    if viewer_id(request) is not None:
        records.sessions.pop(user_of(request).session_id, None)
    ended = Response()
    SESSIONS.end(ended)
    return httpx.Response(200, json={}, headers={"Set-Cookie": ended.headers["set-cookie"]})


def current(records: Records, request: httpx.Request) -> httpx.Response:
    if isinstance(records.auth_failure, Exception):
        raise records.auth_failure
    if records.auth_failure is not None:
        return records.auth_failure
    user_id = viewer_id(request)
    email = records.emails.get(user_id or "")
    user = None if email is None else own(records, user_id or "")
    headers = [] if email is None else renewed(records, request)
    return httpx.Response(200, json={"currentUser": user}, headers=headers)


def own(records: Records, user_id: str) -> Mapping[str, Any]:
    return {
        "id": user_id,
        "email": records.emails[user_id],
        "confirmed": user_id in records.confirmed,
        "bounced": user_id in records.bounced,
        "language": records.languages.get(user_id, "en"),
        "notices": user_id not in records.quiet,
    }


def renewed(records: Records, request: httpx.Request) -> list[tuple[str, str]]:
    """The session's cookie, where it says something else than the rule does now."""
    if viewer_id(request) is None:
        return []
    user = user_of(request)
    if user.may_trade == records.may_trade(user.id):
        return []
    renewed = Response()
    SESSIONS.start(renewed, replace(user, may_trade=records.may_trade(user.id)))
    return [("Set-Cookie", renewed.headers["set-cookie"])]


def session(
    records: Records, request: httpx.Request, status: int, user: CurrentUser, email: str
) -> httpx.Response:
    started = Response()
    begun = CurrentUser(user.id, new_id(), records.may_trade(user.id))
    sessions.begin(records, begun, request)
    SESSIONS.start(started, begun)
    SESSIONS.set_cookie(started, "device", "a-known-device", DEVICE_SECONDS)
    headers = [("Set-Cookie", line) for line in started.headers.getlist("set-cookie")]
    return httpx.Response(status, json={"id": user.id, "email": email}, headers=headers)


def new_password(password: str) -> str:
    if not 8 <= len(password) <= 128:
        message = "Password must be 8 to 128 characters"
        raise refuse(400, ErrorCode.PASSWORD_INVALID, message, "password")
    return password


def known_password(password: str, field: str = "password") -> str:
    if not password:
        raise refuse(400, ErrorCode.PASSWORD_REQUIRED, "You must supply a password", field)
    return password
