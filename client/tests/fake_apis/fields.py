"""Refusals, the user of a request, and the checks of bodies and queries."""

import datetime
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import httpx

from common.base import times
from common.base.errors import InvalidValue
from common.base.identity import CurrentUser
from common.base.money import Money, number
from common.contract.error_codes import ErrorCode
from common.testing.browser import SESSIONS

from .records import Records

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Refusal(Exception):
    def __init__(self, status: int, *entries: Mapping[str, str], headers: Mapping[str, str] | None = None):
        super().__init__(status, entries)
        self.entries = entries
        self.response = httpx.Response(status, json={"errors": entries}, headers=headers)


def entry(code: str, message: str, field: str | None = None) -> Mapping[str, str]:
    """One error on the wire."""
    given = {"code": code, "message": message}
    return given if field is None else given | {"field": field}


def refuse(status: int, code: str, message: str, field: str | None = None) -> Refusal:
    """A refusal with one entry."""
    return Refusal(status, entry(code, message, field))


def refuse_until(moment: datetime.datetime, code: str, message: str) -> Refusal:
    """A refusal by a limit that is over at `moment`."""
    wait = times.whole_seconds(moment - times.now())
    return Refusal(429, entry(code, message), headers={"Retry-After": str(wait)})


def not_found() -> Refusal:
    return refuse(404, ErrorCode.NOT_FOUND, "Not found")


def not_authorized() -> Refusal:
    return refuse(401, ErrorCode.NOT_AUTHORIZED, "Not authorized")


def user_of(request: httpx.Request) -> CurrentUser:
    user = _user(request)
    if user is None:
        raise not_authorized()
    return user


def once(
    records: Records,
    request: httpx.Request,
    user_id: str,
    content: Mapping[str, Any],
    create: Callable[[], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """JSON of the record that `create` makes, or of the one that an earlier request with this key made."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return create()
    if not 1 <= len(key) <= 64 or not all("!" <= character <= "~" for character in key):
        message = "Idempotency-Key must be one key of 1 to 64 visible ASCII characters"
        raise refuse(400, ErrorCode.IDEMPOTENCY_KEY_INVALID, message)
    path = request.url.path
    first = records.keys.get((path, user_id, key))
    if first is None:
        made = create()
        records.keys[(path, user_id, key)] = (content, made)
        return made
    if first[0] != content:
        message = "This Idempotency-Key belongs to another request"
        link = {} if user_id == "" else {"Link": f'<{path}/{first[1]["id"]}>; rel="related"'}
        raise Refusal(422, entry(ErrorCode.IDEMPOTENCY_KEY_REUSED, message), headers=link)
    return first[1]


def viewer_id(request: httpx.Request) -> str | None:
    """Id of the signed-in user, if there is one."""
    user = _user(request)
    return None if user is None else user.id


def _user(request: httpx.Request) -> CurrentUser | None:
    cookies = dict(c.strip().partition("=")[::2] for c in request.headers.get("cookie", "").split(";"))
    return SESSIONS.read(cookies.get(SESSIONS.cookie))


def body_of(request: httpx.Request) -> Mapping[str, str]:
    body: Mapping[str, str] = json.loads(request.content)
    return body


def checked(**checks: Callable[[], Any]) -> dict[str, Any]:
    """Results of all checks, by name. Raises one Refusal with the entries of all that refused."""
    results: dict[str, Any] = {}
    entries: list[Mapping[str, str]] = []
    for name, check in checks.items():
        try:
            results[name] = check()
        except Refusal as refusal:
            entries += refusal.entries
    if entries:
        raise Refusal(400, *entries)
    return results


def offer(body: Mapping[str, str]) -> dict[str, Any]:
    """Fields of a ticket, from its seller's form."""
    return checked(
        title=lambda: _title(body.get("title", "")),
        price=lambda: price(body.get("price", ""), "price"),
        event_date=lambda: _day(body.get("eventDate", "")),
        venue=lambda: _line(body.get("venue", ""), "venue", 200) or None,
        seat=lambda: _line(body.get("seat", ""), "seat", 100) or None,
        city=lambda: _line(body.get("city", ""), "city", 100) or None,
        start_time=lambda: _time(body.get("startTime", "")),
        face_value=lambda: _face_value(body.get("faceValue", "")),
        notes=lambda: _line(body.get("notes", "").replace("\r\n", "\n"), "notes", 500) or None,
    )


def email(text: str) -> str:
    if _EMAIL.fullmatch(text.strip()) is None:
        raise refuse(400, ErrorCode.EMAIL_INVALID, "Email must be valid", "email")
    return text.strip()


def price(text: str, field: str) -> Money:
    try:
        return Money.parse(text)
    except InvalidValue as error:
        raise refuse(400, error.code, error.message, field) from None


def bound(text: str, field: str) -> Decimal:
    """The end of a price range: any number."""
    try:
        return number(text)
    except InvalidValue as error:
        raise refuse(400, error.code, error.message, field) from None


def _title(text: str) -> str:
    if not text.strip():
        raise refuse(400, ErrorCode.TITLE_REQUIRED, "Title is required", "title")
    return _line(text, "title", 200)


def _line(text: str, field: str, longest: int) -> str:
    if len(text.strip()) > longest:
        message = f"{field.title()} must be at most {longest} characters"
        raise refuse(400, f"{field}-too-long", message, field)
    if not set("\u202d\u202e\u2066\u2067\u2068\u2069").isdisjoint(text):
        message = f"{field.title()} must not change the direction of writing"
        raise refuse(400, f"{field}-bidi-control", message, field)
    return text.strip()


def _day(text: str) -> str | None:
    if text == "":
        return None
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        message = "Date must be a day such as 2027-05-31"
        raise refuse(400, ErrorCode.EVENT_DATE_INVALID, message, "eventDate") from None
    if is_over(text):
        raise refuse(400, ErrorCode.EVENT_DATE_PAST, "The date of the event is over", "eventDate")
    return day.isoformat()


def _time(text: str) -> str | None:
    if text and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text) is None:
        message = "Start time must be a time such as 19:30"
        raise refuse(400, ErrorCode.START_TIME_INVALID, message, "startTime")
    return text or None


def _face_value(text: str) -> Money | None:
    try:
        return Money.parse(text) if text else None
    except InvalidValue:
        message = "Face value must be a price such as 20.50"
        raise refuse(400, ErrorCode.FACE_VALUE_INVALID, message, "faceValue") from None


def is_over(day: str | None) -> bool:
    """Whether the day has ended in UTC-12."""
    return day is not None and day < (times.now() - datetime.timedelta(hours=12)).date().isoformat()


def whole_number(text: str, field: str, most: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise refuse(400, f"{field}-invalid", f"{field} must be from 1 to {most}", field)
    return int(text)


def one_of(text: str, field: str, *values: str) -> str:
    if text not in values:
        raise refuse(400, f"{field}-invalid", f"{field} must be one of {', '.join(values)}", field)
    return text
