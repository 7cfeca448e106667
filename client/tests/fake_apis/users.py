"""The users API."""

from collections.abc import Mapping
from typing import Any

import httpx
from starlette.responses import Response

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.error_codes import ErrorCode
from common.testing.browser import SESSIONS

from .fields import body_of, checked, email, once, refuse, viewer_id
from .records import Records

DEVICE_SECONDS = 400 * 24 * 3600


def signup(records: Records, request: httpx.Request) -> httpx.Response:
    body = body_of(request)
    given = checked(
        email=lambda: email(body["email"]),
        password=lambda: _new_password(body["password"]),
    )
    address = given["email"].casefold()

    def create() -> Mapping[str, Any]:
        if address in records.users:
            raise refuse(400, ErrorCode.EMAIL_IN_USE, "Email in use", "email")
        user = CurrentUser(new_id())
        records.users[address] = (user, given["password"])
        records.emails[user.id] = given["email"]
        return {"id": user.id, "email": given["email"]}

    made = once(records, request, "", {**given, "email": address}, create)
    return _session(201, CurrentUser(made["id"]), made["email"])


def signin(records: Records, request: httpx.Request) -> httpx.Response:
    body = body_of(request)
    given = checked(
        email=lambda: email(body["email"]),
        password=lambda: _known_password(body["password"]),
    )
    user, password = records.users.get(given["email"].casefold(), (None, None))
    if user is None or password != given["password"]:
        raise refuse(400, ErrorCode.INVALID_CREDENTIALS, "Invalid credentials")
    return _session(200, user, records.emails[user.id])


def signout(_records: Records, _request: httpx.Request) -> httpx.Response:
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
    user = None if email is None else {"id": user_id, "email": email}
    return httpx.Response(200, json={"currentUser": user})


def _session(status: int, user: CurrentUser, email: str) -> httpx.Response:
    started = Response()
    SESSIONS.start(started, CurrentUser(user.id, new_id()), email)
    SESSIONS.set_cookie(started, "device", "a-known-device", DEVICE_SECONDS)
    headers = [("Set-Cookie", line) for line in started.headers.getlist("set-cookie")]
    return httpx.Response(status, json={"id": user.id, "email": email}, headers=headers)


def _new_password(password: str) -> str:
    if not 8 <= len(password) <= 128:
        message = "Password must be 8 to 128 characters"
        raise refuse(400, ErrorCode.PASSWORD_INVALID, message, "password")
    return password


def _known_password(password: str) -> str:
    if not password:
        raise refuse(400, ErrorCode.PASSWORD_REQUIRED, "You must supply a password", "password")
    return password
