"""The operator's command over dead letters that a test wrote by hand: its lines, pages, ages and refusals."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from common.base import times
from common.messaging.dead_letters import ATTEMPTS, REASON, SEQUENCE, DeadLetters
from common.messaging.dead_letters.command import parse, run
from common.testing.clock import Clock
from common.testing.fake_stream import FakeStream
from tests.broker import put

WHOLE = {SEQUENCE: "7", ATTEMPTS: "5", REASON: "broken"}


async def put_letter(
    stream: FakeStream, queue_group: str = "tests", age: timedelta = timedelta(0), **headers: str
) -> int:
    subject = f"dead.{queue_group}.ticket.updated.1"
    sequence = await stream.publish(subject, b"{}", headers or WHOLE)
    stream.messages[-1] = replace(stream.messages[-1], at=times.now() - age)
    return sequence


async def command(stream: FakeStream, *words: str, code: int = 0) -> list[str]:
    out = io.StringIO()
    assert await run(parse(words), stream, out) == code
    return out.getvalue().splitlines()


async def test_one_is_found_by_its_number_alone(stream: FakeStream) -> None:
    first, second = await put_letter(stream), await put_letter(stream)
    between = await put(stream, "an event")
    await put_letter(stream)
    letters = DeadLetters(stream)

    assert [found and found.sequence for found in [await letters.find(n) for n in (first, second)]] == [1, 2]
    assert await letters.find(between) is None


async def test_it_has_its_events_place_and_its_attempts_and_reason(stream: FakeStream) -> None:
    shown = await command(stream, "show", str(await put_letter(stream)))

    assert shown[0] == "sequence     1, number 7 of the event stream"
    assert "attempts     5" in shown
    assert "reason       broken" in shown


async def test_one_without_headers_of_ours_has_no_place_attempts_or_reason(stream: FakeStream) -> None:
    await put_letter(stream, another="header")

    (letter,) = [letter async for letter in DeadLetters(stream).letters()]

    assert (letter.first_sequence, letter.attempts, letter.reason) == (0, 0, "")


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        *((-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min")),
        *((3_600, "1 h"), (86_399, "23 h"), (86_400, "1 d"), (250_000, "2 d")),
    ],
)
async def test_its_age_is_in_the_largest_whole_unit(
    stream: FakeStream, clock: Clock, seconds: int, age: str
) -> None:
    clock.now = times.now()
    await put_letter(stream, age=timedelta(seconds=seconds))

    (line,) = await command(stream, "list")

    assert f"5 attempts  {age}  broken" in line


async def test_a_line_has_300_characters_at_most(stream: FakeStream) -> None:
    await put_letter(stream, "tests", timedelta(0), **{REASON: "x" * 500})

    (line,) = await command(stream, "list")

    assert len(line) == 300


async def test_a_group_is_listed_alone(stream: FakeStream) -> None:
    for group in ("tests", "elsewhere", "tests"):
        await put_letter(stream, group)

    lines = await command(stream, "list", "--queue-group", "tests")

    assert [line.split()[:2] for line in lines] == [["1", "tests"], ["3", "tests"]]


async def test_a_page_has_its_size_by_default(stream: FakeStream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.messaging.dead_letters.command.PAGE", 2)
    for _ in range(3):
        await put_letter(stream)

    *page, more = await command(stream, "list")

    assert (len(page), more) == (2, "more: --after 2")


async def test_a_page_without_room_says_where_it_began(stream: FakeStream) -> None:
    for _ in range(2):
        await put_letter(stream)

    assert await command(stream, "list", "--after", "1", "--limit", "0") == ["more: --after 1"]


@pytest.mark.parametrize("words", [(), ("replay",), ("drop", "--reason", "x"), ("replay", "--all", "1")])
def test_a_command_names_its_letters_or_all(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        parse(words)
