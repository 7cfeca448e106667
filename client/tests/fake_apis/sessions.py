"""A user's sessions."""

import httpx
from starlette.responses import Response

from common.base import times
from common.base.identity import CurrentUser
from common.testing.browser import SESSIONS

from .fields import not_found, user_of
from .records import Records


def begin(records: Records, session: CurrentUser, request: httpx.Request) -> None:
    agent = request.headers.get("user-agent", "")
    device = "Firefox on Linux" if "Firefox" in agent and "Linux" in agent else "Unknown device"
    now = times.iso(times.now())
    records.sessions[session.session_id] = {
        "userId": session.id,
        "id": session.session_id,
        "device": device,
        "address": "203.0.113.9",
        "created": now,
        "lastUsed": now,
    }


def index(records: Records, request: httpx.Request) -> httpx.Response:
    if records.without_sessions:
        raise not_found()
    user = user_of(request)
    if user.session_id not in records.sessions:
        begin(records, user, request)
    shown = [
        {
            **{name: value for name, value in session.items() if name != "userId"},
            "current": session["id"] == user.session_id,
        }
        for session in reversed(records.sessions.values())
        if session["userId"] == user.id
    ]
    return httpx.Response(200, json=shown)


def end(records: Records, request: httpx.Request, session_id: str) -> httpx.Response:
    user = user_of(request)
    session = records.sessions.get(session_id)
    if session is None or session["userId"] != user.id:
        raise not_found()
    del records.sessions[session_id]
    ended = Response()
    if session_id == user.session_id:
        SESSIONS.end(ended)
    headers = [("Set-Cookie", line) for line in ended.headers.getlist("set-cookie")]
    return httpx.Response(204, headers=headers)


def end_others(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    for session in [*records.sessions.values()]:
        if session["userId"] == user.id and session["id"] != user.session_id:
            del records.sessions[session["id"]]
    return httpx.Response(204)
