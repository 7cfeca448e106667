"""How every service answers: errors, cross-site writes, limits, request ids, health."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from prometheus_client import REGISTRY
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails, core_schema
from starlette.exceptions import HTTPException

from common.base import errors, tracing
from common.base.errors import ErrorEntry, InvalidValue
from common.http import middleware
from common.http.app import create_http_app
from common.http.body import Input, json_body
from common.http.fast_route import FastRoute
from common.http.rendering import invalid, json_response
from common.http.request_body import MAX_BODY_BYTES
from common.http.session import SignedIn
from common.testing.answers import code_of, codes_of, entries_of, errors_of, message_of
from common.testing.browser import BASE_URL, SESSIONS, no_lifespan, signed_in
from common.testing.hostile import BODIES, JSON, LITERALS, NUMERIC_STRINGS, PATH_IDS


def _required(value: object) -> object:
    if not isinstance(value, str):
        raise InvalidValue("Title is required", "title-required")
    return value


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("Odd")
    return value


class Thing(Input):
    title: Annotated[str, BeforeValidator(_required)]
    how_many: int
    note: str = "none"


SECRET = "mongodb://root:secret@db"
RAISED: dict[str, BaseException] = {
    "bad-request": errors.BadRequest("Please don't"),
    "reserved": errors.BadRequest("Already reserved", code="ticket-reserved"),
    "invalid": errors.Invalid(
        [ErrorEntry("Title is required", "title-required", "title"), ErrorEntry("Too odd", "too-odd")]
    ),
    "payment": errors.PaymentRequired("Your card was declined"),
    "stranger": errors.NotAuthorized(),
    "missing": errors.NotFound(),
    "tries": errors.TooManyTries(7),
    "unavailable": errors.Unavailable(),
    "conflict": errors.Conflict(),
    "outage": errors.Outage(SECRET),
    "timeout": TimeoutError(SECRET),
    "fault": ZeroDivisionError(SECRET),
    "teapot": HTTPException(418, headers={"X-Tea": "green"}),
}


def an_app(**checks: bool) -> FastAPI:
    router = APIRouter()

    @router.post("/things")
    async def create(_user: SignedIn, body: Annotated[Thing, json_body(Thing)]) -> dict[str, Any]:
        return body.model_dump()

    @router.api_route("/things", methods=["PUT", "DELETE", "PATCH", "GET"])
    async def others(request: Request) -> dict[str, int]:
        return {"length": len(await request.body())}

    @router.get("/pages")
    async def page(limit: int, q: str = "") -> dict[str, object]:
        return {"limit": limit, "q": q}

    @router.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise RAISED[name]

    @router.get("/bad-model")
    async def bad_model() -> None:
        TypeAdapter(int).validate_python(SECRET)

    @router.get("/trace")
    async def trace() -> dict[str, str]:
        return {"request": tracing.current().request_id}

    @router.get("/parent")
    async def parent() -> str:
        return tracing.current().parent

    async def direct(request: Request, thing_id: str) -> Any:
        assert request.path_params == {"thing_id": thing_id}
        if thing_id == "none":
            raise errors.NotFound()
        thing = Thing(title=thing_id, howMany=1)
        return json_response(thing, 202) if thing_id == "later" else json_response(thing)

    router.add_api_route("/direct/{thing_id}", direct, route_class_override=FastRoute)

    def answering(answer: bool) -> Any:
        async def check() -> bool:
            return answer

        return check

    app = create_http_app(
        "things", [router], no_lifespan, {name: answering(answer) for name, answer in checks.items()}
    )
    app.state.sessions = SESSIONS
    return app


def browsing(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(an_app()) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "status", "entries"),
    [
        ("bad-request", 400, [{"code": "bad-request", "message": "Please don't"}]),
        ("reserved", 400, [{"code": "ticket-reserved", "message": "Already reserved"}]),
        (
            "invalid",
            400,
            [
                {"code": "title-required", "message": "Title is required", "field": "title"},
                {"code": "too-odd", "message": "Too odd"},
            ],
        ),
        ("payment", 402, [{"code": "payment-required", "message": "Your card was declined"}]),
        ("stranger", 401, [{"code": "not-authorized", "message": "Not authorized"}]),
        ("missing", 404, [{"code": "not-found", "message": "Not found"}]),
        ("tries", 429, [{"code": "too-many-tries", "message": "Too many tries, please wait"}]),
        ("unavailable", 503, [{"code": "unavailable", "message": "Service unavailable"}]),
        ("conflict", 503, [{"code": "unavailable", "message": "Service unavailable"}]),
        ("outage", 503, [{"code": "unavailable", "message": "Service unavailable"}]),
        ("timeout", 503, [{"code": "unavailable", "message": "Service unavailable"}]),
        ("fault", 500, [{"code": "internal-error", "message": "Something went wrong"}]),
        ("teapot", 418, [{"code": "im-a-teapot", "message": "I'm a Teapot"}]),
    ],
)
async def test_every_error_is_said_in_one_form(
    client: httpx.AsyncClient, name: str, status: int, entries: object
) -> None:
    response = await client.get(f"/raise/{name}")

    assert entries_of(response, status) == entries
    assert response.headers["x-request-id"]


async def test_an_error_brings_its_headers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/raise/tries")).headers["retry-after"] == "7"
    assert (await client.get("/raise/teapot")).headers["x-tea"] == "green"


async def test_an_unhandled_exception_is_told_to_the_log_alone(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/raise/fault", "/bad-model"):
        response = await client.get(path)
        assert message_of(response, 500) == "Something went wrong"
        assert code_of(response, 500) == "internal-error"
        assert "secret" not in response.text
    logged = [record for record in caplog.records if record.exc_info]
    assert [record.exc_info[0] for record in logged if record.exc_info][0] is ZeroDivisionError  # noqa: RUF015
    assert len(logged) == 2


async def test_unknown_routes_and_wrong_methods_are_said_in_the_same_form(client: httpx.AsyncClient) -> None:
    assert message_of(await client.get("/nowhere"), 404) == "Not found"
    assert message_of(await client.get("/things/"), 404) == "Not found"
    assert code_of(await client.get("/nowhere"), 404) == "not-found"
    response = await client.post("/pages")
    assert message_of(response, 405) == "Method not allowed"
    assert code_of(response, 405) == "method-not-allowed"
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize("path_id", PATH_IDS)
async def test_hostile_paths_are_no_fault(client: httpx.AsyncClient, path_id: str) -> None:
    for prefix in ("/things/", "/direct/"):
        assert (await client.get(prefix + path_id)).status_code in (200, 404)


async def test_a_bad_parameter_is_named_without_its_place(client: httpx.AsyncClient) -> None:
    for query in ("limit=x", "limit=1e400", "limit=%ED%A0%80", "limit=%00", f"limit={'9' * 5000}"):
        assert codes_of(await client.get(f"/pages?{query}"), 400) == {"limit": "limit-invalid"}
    (entry,) = entries_of(await client.get("/pages"), 400)
    assert entry == {"code": "limit-required", "message": "Limit is required", "field": "limit"}


class Letter(Input):
    subject_line: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5)]
    pin: Annotated[str, StringConstraints(min_length=4)] = "0000"


@pytest.mark.parametrize(
    ("letter", "message", "code"),
    [
        ({}, "SubjectLine is required", "subject-line-required"),
        ({"subjectLine": None}, "SubjectLine is required", "subject-line-required"),
        ({"subjectLine": " "}, "SubjectLine is required", "subject-line-required"),
        ({"subjectLine": 7}, "SubjectLine must be text", "subject-line-invalid"),
        ({"subjectLine": "x" * 6}, "SubjectLine must be at most 5 characters", "subject-line-too-long"),
        ({"subjectLine": "x", "pin": "123"}, "Pin must be at least 4 characters", "pin-too-short"),
    ],
)
def test_a_text_that_does_not_fit_is_refused_in_words_for_people(
    letter: dict[str, object], message: str, code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Letter.model_validate(letter)

    (entry,) = invalid(refused.value.errors()).entries
    assert (entry.message, entry.code) == (message, code)


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Choice(BaseModel):
    number: Annotated[int, Field(ge=1, le=100)] = 1
    order: Literal["newest", "price"] = "newest"
    size: Size = Size.SMALL
    day: date | None = None


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"number": "x"}, "Number must be a whole number"),
        ({"number": 1.5}, "Number must be a whole number"),
        ({"number": None}, "Number must be a whole number"),
        ({"number": "9" * 5000}, "Number must be a whole number"),
        ({"number": 0}, "Number must be at least 1"),
        ({"number": 101}, "Number must be at most 100"),
        ({"order": "cheapest"}, "Order must be one of newest or price"),
        ({"size": "huge"}, "Size must be one of small or large"),
        ({"day": "31.5."}, "Day is not valid"),
    ],
)
def test_a_bad_value_is_refused_in_words_for_people(choice: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Choice.model_validate(choice)

    (entry,) = invalid(refused.value.errors()).entries
    assert (entry.message, entry.code) == (message, f"{entry.field}-invalid")


class Context(dict[str, object]):
    """A context that has every key."""

    def __missing__(self, key: str) -> object:
        return InvalidValue("Ours", "ours") if key == "error" else 7


@pytest.mark.parametrize("kind", get_args(core_schema.ErrorType))
@pytest.mark.parametrize("place", [("field",), ()])
def test_no_error_is_in_pydantics_words(kind: str, place: tuple[str, ...]) -> None:
    theirs = ErrorDetails(type=kind, loc=place, msg="Input should be pydantic's", input={}, ctx=Context())

    (entry,) = invalid([theirs]).entries

    assert entry.message
    assert entry.code
    assert "pydantic" not in entry.message


async def test_who_asks_is_checked_before_what_is_asked(client: httpx.AsyncClient) -> None:
    for headers in ({}, JSON, {"Content-Type": "text/plain"}):
        response = await client.post("/things", content=b"{", headers=headers)
        assert message_of(response, 401) == "Not authorized"


async def test_a_body_has_one_entry_per_bad_field(client: httpx.AsyncClient) -> None:
    response = await client.post("/things", json={"howMany": "x", "odd": 1}, headers=signed_in())

    entries = errors_of(response, 400)
    assert [entry["field"] for entry in entries] == ["title", "howMany", "odd"]
    assert entries[0]["message"] == "Title is required"
    assert entries[2]["message"] == "Unknown field"
    assert codes_of(response, 400) == {
        "title": "title-required",
        "howMany": "how-many-invalid",
        "odd": "unknown-field",
    }


async def test_a_body_with_many_bad_fields_has_twenty_entries(client: httpx.AsyncClient) -> None:
    body = {"title": "x", "howMany": 1} | {f"odd{number}": 1 for number in range(30)}
    response = await client.post("/things", json=body, headers=signed_in())

    assert len(errors_of(response, 400)) == 20


async def test_a_refusal_is_small_however_many_and_long_the_senders_field_names_are(
    client: httpx.AsyncClient,
) -> None:
    body = {"title": "x", "howMany": 1} | {f"{number:05}{'x' * 2000}": 1 for number in range(100)}
    response = await client.post("/things", json=body, headers=signed_in())

    assert {len(entry["field"]) for entry in entries_of(response, 400)} == {50}
    assert len(response.content) < 4000


async def test_many_unknown_fields_hide_no_bad_one(client: httpx.AsyncClient) -> None:
    body = {f"odd{number}": 1 for number in range(18_000)} | {"howMany": "x"}
    response = await client.post("/things", json=body, headers=signed_in())

    assert [entry["field"] for entry in errors_of(response, 400)][:2] == ["title", "howMany"]


async def test_a_senders_own_field_name_becomes_no_part_of_a_code(client: httpx.AsyncClient) -> None:
    body = {"title": "x", "howMany": 1, "Name <b>": 1}
    response = await client.post("/things", json=body, headers=signed_in())

    assert codes_of(response, 400) == {"Name <b>": "unknown-field"}


@pytest.mark.parametrize(
    ("field", "code"),
    [("title", "title-x"), ("eventDate", "event-date-x"), ("q", "q-x"), ("max_price", "max-price-x")],
)
def test_the_code_of_a_field_is_in_kebab_case(field: str, code: str) -> None:
    assert errors.field_code(field, "x") == code


def test_an_error_of_a_validator_without_a_code_is_invalid() -> None:
    class Odd(Input):
        even_number: Annotated[int, AfterValidator(_even)]

    with pytest.raises(ValidationError) as refused:
        Odd.model_validate({"evenNumber": 3})

    (entry,) = invalid(refused.value.errors()).entries
    assert (entry.message, entry.code) == ("Odd", "even-number-invalid")


def test_a_part_of_a_body_that_is_no_object_is_named() -> None:
    class Parcel(Input):
        letter: Letter

    with pytest.raises(ValidationError) as refused:
        Parcel.model_validate({"letter": 7})

    (entry,) = invalid(refused.value.errors()).entries
    assert (entry.field, entry.code) == ("letter", "letter-invalid")


async def test_a_good_body_arrives(client: httpx.AsyncClient) -> None:
    response = await client.post("/things", json={"title": "x", "howMany": 2}, headers=signed_in())

    assert response.json() == {"title": "x", "how_many": 2, "note": "none"}


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_type_is_refused(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = signed_in() | ({} if content_type is None else {"Content-Type": content_type})
    response = await client.post("/things", content=b'{"title":"x","howMany":1}', headers=headers)

    assert message_of(response, 400) == "Content-Type must be application/json"
    assert code_of(response, 400) == "content-type-invalid"


async def test_a_charset_beside_the_type_is_fine(client: httpx.AsyncClient) -> None:
    headers = signed_in() | {"Content-Type": "Application/JSON; charset=utf-8"}

    assert (
        await client.post("/things", content=b'{"title":"x","howMany":1}', headers=headers)
    ).status_code == 200


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/things", content=body, headers=signed_in() | JSON)

    codes = codes_of(response, 400)
    assert codes == {None: "body-invalid"} or None not in codes


@pytest.mark.parametrize("literal", [*LITERALS, *NUMERIC_STRINGS], ids=lambda text: text[:20])
async def test_a_hostile_value_is_never_a_fault(client: httpx.AsyncClient, literal: str) -> None:
    for field, other in (("title", '"howMany":1'), ("howMany", '"title":"x"')):
        body = f'{{"{field}":{literal},{other}}}'.encode()
        response = await client.post("/things", content=body, headers=signed_in() | JSON)
        assert response.status_code in (200, 400)


HOST = BASE_URL.partition("://")[2]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"http://{HOST}.evil.test"},
        {"Origin": f"http://evil.test/{HOST}"},
        {"Origin": f"http://sub.{HOST}", "Sec-Fetch-Site": "same-site"},
        {"Origin": f"http://{HOST}:8081"},
        {"Origin": f"https://{HOST}"},
        {"Origin": f"chrome-extension://{HOST}"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something-new"},
        {"Origin": "https://evil.test", "Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_a_write_from_another_site_is_refused(
    client: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    response = await client.request(method, "/things", headers=signed_in() | headers)

    assert message_of(response, 403) == "Cross-site requests are not allowed"
    assert code_of(response, 403) == "cross-site"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": BASE_URL},
        {"Sec-Fetch-Site": "same-origin", "Origin": BASE_URL},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_a_write_of_the_own_pages_or_of_no_browser_passes(
    client: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    assert (await client.request(method, "/things", headers=headers)).status_code == 200


async def test_a_read_from_another_site_passes(client: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}

    assert (await client.get("/things", headers=headers)).status_code == 200


async def chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 1024):
        yield b"x" * 1024
    yield b"x" * (total % 1024)


async def test_a_body_up_to_the_limit_passes(client: httpx.AsyncClient) -> None:
    announced = await client.put("/things", content=b"x" * MAX_BODY_BYTES)
    streamed = await client.put("/things", content=chunks(MAX_BODY_BYTES))

    assert announced.json() == streamed.json() == {"length": MAX_BODY_BYTES}


async def test_a_body_beyond_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    announced = await client.put("/things", content=b"x" * (MAX_BODY_BYTES + 1))
    streamed = await client.put("/things", content=chunks(MAX_BODY_BYTES + 1))

    for response in (announced, streamed):
        assert message_of(response, 413) == "Body too large"
        assert code_of(response, 413) == "body-too-large"


@pytest.mark.parametrize("length", ["x", "", "-1", "+1", "1_000", "1.5", "\u00b2", "9" * 5000, " 1"])
async def test_a_malformed_length_is_refused(client: httpx.AsyncClient, length: str) -> None:
    headers = [(b"content-length", length.encode("latin-1"))]

    response = await client.put("/things", content=chunks(10), headers=headers)

    status, code = (413, "body-too-large") if len(length) > 100 else (400, "content-length-invalid")
    assert code_of(response, status) == code


async def test_a_request_id_is_kept_and_echoed(client: httpx.AsyncClient) -> None:
    response = await client.get("/trace", headers={"X-Request-Id": "abc-1.2_3"})

    assert response.headers["x-request-id"] == "abc-1.2_3"
    assert response.json() == {"request": "abc-1.2_3"}


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, "<script>", "a;b"])
async def test_a_malformed_request_id_is_replaced(client: httpx.AsyncClient, bad: str) -> None:
    response = await client.get("/trace", headers={"X-Request-Id": bad})

    given = response.headers["x-request-id"]
    assert given != bad
    assert len(given) == 32
    assert response.json() == {"request": given}


async def test_requests_at_once_keep_their_ids_apart(client: httpx.AsyncClient) -> None:
    names = [f"r{n}" for n in range(20)]
    answers = await asyncio.gather(*(client.get("/trace", headers={"X-Request-Id": n}) for n in names))

    assert [answer.json()["request"] for answer in answers] == names


async def test_a_request_goes_on_with_the_trace_of_its_caller(client: httpx.AsyncClient) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"

    assert (await client.get("/parent", headers={"traceparent": parent})).json() == parent


async def test_a_write_is_logged_with_its_outcome(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="request")
    await client.put("/things")
    await client.get("/things")

    (record,) = [record for record in caplog.records if record.name == "request"]
    assert record.getMessage() == "PUT /things"
    assert (record.levelno, vars(record)["status"]) == (logging.INFO, 200)


async def test_a_read_is_logged_for_those_who_look_closely(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="request")
    await client.get("/things")

    (record,) = [record for record in caplog.records if record.name == "request"]
    assert (record.levelno, record.getMessage()) == (logging.DEBUG, "GET /things")


async def test_a_requests_time_is_logged_in_milliseconds_and_counted_in_seconds(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds() -> float:
        labels = {"method": "PUT", "route": "/things", "status": "200"}
        return REGISTRY.get_sample_value("http_request_seconds_sum", labels) or 0

    caplog.set_level(logging.INFO, logger="request")
    before = seconds()
    clock = SimpleNamespace(perf_counter=iter([100.0, 100.25]).__next__)
    monkeypatch.setattr(middleware, "time", clock)
    await client.put("/things")

    (record,) = [record for record in caplog.records if record.name == "request"]
    assert vars(record)["milliseconds"] == 250
    assert seconds() - before == pytest.approx(0.25)


async def test_a_direct_route_answers_and_fails_like_the_others(client: httpx.AsyncClient) -> None:
    answer = await client.get("/direct/x")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {"title": "x", "howMany": 1, "note": "none"}
    assert (await client.get("/direct/later")).status_code == 202
    assert message_of(await client.get("/direct/none"), 404) == "Not found"


async def test_a_living_process_is_healthy_whatever_it_depends_on() -> None:
    async with browsing(an_app(database=False)) as client:
        assert (await client.get("/healthz")).json() == {"status": "alive"}


async def test_readiness_names_what_is_down() -> None:
    checks = {"database": False, "event stream": True, "consumer": False}
    async with browsing(an_app(**checks)) as client:
        entries = entries_of(await client.get("/readyz"), 503)
    async with browsing(an_app(**dict.fromkeys(checks, True))) as client:
        ready = await client.get("/readyz")

    assert [entry["message"] for entry in entries] == ["database is not ready", "consumer is not ready"]
    assert [entry["code"] for entry in entries] == ["not-ready", "not-ready"]
    assert ready.json() == {"status": "ready"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs"])
async def test_what_operators_ask_is_nowhere_for_those_who_come_through_an_edge(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).status_code == 200
    assert message_of(await client.get(path, headers={"X-Forwarded-For": "192.0.2.1"}), 404) == "Not found"


async def test_metrics_count_by_route_and_not_by_path(client: httpx.AsyncClient) -> None:
    await client.get("/direct/one-of-many")
    await client.get("/nowhere-at-all")

    text = (await client.get("/metrics")).text
    assert 'http_request_seconds_count{method="GET",route="/direct/{thing_id}",status="200"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "one-of-many" not in text
    assert "nowhere-at-all" not in text
