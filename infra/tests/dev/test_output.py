"""Output of the runner: in words on a terminal, unchanged elsewhere."""

import io
from asyncio import StreamReader
from datetime import timedelta

import orjson
import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import (
    OrderCreated,
    OrderedTicket,
    PaymentCaptured,
    Subject,
    TicketCreated,
)
from common.messaging.events import Event, wire_subject
from infra.dev import servers
from infra.dev.config import from_env
from infra.dev.log_lines import readable
from infra.dev.narrator import EVENTS, line_of
from infra.dev.output import Output

WARNING = b'{"time":"x","level":"warning","service":"orders","logger":"l","message":"slow","seconds":3}'


async def written(line: bytes, *, for_people: bool, name: str = "orders") -> str:
    stream, reader = io.StringIO(), StreamReader()
    reader.feed_data(line + b"\n")
    reader.feed_eof()
    await Output([name], stream, servers.UNWANTED, for_people).copy(name, reader)
    return stream.getvalue()


async def test_a_log_line_is_in_words_for_people() -> None:
    assert await written(WARNING, for_people=True) == "orders | warning: slow (seconds=3)\n"


async def test_a_log_line_stays_json_where_no_person_reads() -> None:
    assert await written(WARNING, for_people=False) == f"orders | {WARNING.decode()}\n"


async def test_a_traceback_stands_line_by_line_behind_the_name() -> None:
    line = orjson.dumps({"service": "orders", "level": "error", "message": "no", "exception": "A\nB"})

    assert await written(line, for_people=True) == "orders | error: no\norders | A\norders | B\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"service":"a","level":"info","logger":"uvicorn.error","message":"Started"}', None),
        ('{"service":"a","level":"info","message":"GET /","status":404}', None),
        ('{"service":"a","level":"info","message":"GET /","status":500}', "GET / (status=500)"),
        ('{"level":"info","msg":"serving"}', None),
        ('{"level":"error","msg":"no route"}', "error: no route"),
        ('{"odd": 1}', '{"odd": 1}'),
        ("[1]", "[1]"),
        ("{broken", "{broken"),
        ("plain words", "plain words"),
    ],
)
def test_what_is_shown_of_a_line(line: str, shown: str | None) -> None:
    assert readable(line) == shown


async def test_redis_advice_about_the_kernel_is_left_out() -> None:
    advice = b"1:C 26 Nov 2026 # WARNING Memory overcommit must be enabled! Without it, ..."

    assert await written(advice, for_people=False, name="redis") == ""


@pytest.mark.parametrize(("value", "wanted"), [("", None), ("text", True), ("json", False)])
def test_the_format_is_chosen_by_the_environment(value: str, wanted: bool | None) -> None:
    assert from_env({"LOG_FORMAT": value}).for_people is wanted


def test_an_unknown_format_stops_the_start() -> None:
    with pytest.raises(SystemExit, match="LOG_FORMAT=xml is neither text nor json"):
        from_env({"LOG_FORMAT": "xml"})


ID = new_id()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            TicketCreated(id=ID, version=0, title="Swan Lake", price=Money(3800), user_id="u"),
            ("tickets", "“Swan Lake” is on sale for 38.00"),
        ),
        (
            PaymentCaptured(id=new_id(), order_id=ID),
            ("payments", f"order …{ID[-6:]} has its money captured"),
        ),
    ],
)
def test_an_event_is_one_line_of_its_owner(event: Event, line: tuple[str, str]) -> None:
    assert line_of(wire_subject(event), event.to_json()) == line


def test_an_order_names_its_ticket_and_its_end() -> None:
    ticket, ends = OrderedTicket(id=new_id(), price=Money(100)), times.now() + timedelta(minutes=15)
    event = OrderCreated(id=ID, version=0, status="created", user_id="u", expires_at=ends, ticket=ticket)

    line = line_of(wire_subject(event), event.to_json())

    until = ends.astimezone().strftime("%H:%M:%S")
    assert line == ("orders", f"order …{ID[-6:]} holds ticket …{ticket.id[-6:]} for 1.00 until {until}")


def test_every_event_has_a_sentence() -> None:
    assert {event.subject for event in EVENTS} == set(Subject)


@pytest.mark.parametrize(
    ("subject", "data"), [("ticket.created.1", b"{}"), ("odd.kind.1", b"{}"), ("x", b"")]
)
def test_an_unreadable_event_is_skipped(subject: str, data: bytes) -> None:
    assert line_of(subject, data) is None
