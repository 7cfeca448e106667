"""Dead letters are listed, shown, replayed to their queue group, and dropped; over both streams."""

import argparse
import asyncio
import io
from collections import defaultdict
from collections.abc import Sequence

import pytest

from common.base.errors import Unavailable
from common.contract.events import TicketCreated, TicketUpdated
from common.contract.stream import MARKETPLACE
from common.messaging.dead_letters import DROPPED, REASON, DeadLetters, Letter
from common.messaging.dead_letters.command import main, parse, run
from common.messaging.listener import Listener
from common.messaging.stream import ConsumerSpec, Stream
from common.persistence.mongo import Database
from common.persistence.replica import Replica
from common.testing.events import publish
from tests.broker import NatsServer, assert_silent
from tests.builders import a_change, consuming, until

FAKE_AND_REAL = ["stream", pytest.param("real_stream", marks=pytest.mark.connected)]


@pytest.fixture(params=FAKE_AND_REAL)
def broker(request: pytest.FixtureRequest) -> Stream:
    stream: Stream = request.getfixturevalue(request.param)
    return stream


class Updated(Listener[TicketUpdated]):
    """Refuses for good what is in `broken`, as a bug would that the next version has not."""

    queue_group = "tests"

    def __init__(self, *broken: str) -> None:
        self.broken = set(broken)
        self.done: dict[str, list[int]] = defaultdict(list)

    async def on_message(self, event: TicketUpdated) -> None:
        if event.title in self.broken:
            raise ValueError(f"broken by {event.title}")
        self.done[event.id].append(event.version)


class Elsewhere(Updated):
    queue_group = "elsewhere"


@pytest.fixture(autouse=True)
def _few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.messaging.outcomes.ATTEMPTS", 2)


async def letters(broker: Stream, queue_group: str | None = None, dropped: bool = False) -> list[Letter]:
    return [letter async for letter in DeadLetters(broker).letters(queue_group, dropped=dropped)]


async def buried(broker: Stream, count: int) -> list[Letter]:
    """The dead letters, as soon as there are `count`, and no more."""
    async with asyncio.timeout(10):
        while len(found := await letters(broker)) < count:
            await asyncio.sleep(0.01)
    assert len(found) == count
    return found


async def poisoned(broker: Stream, *events: TicketUpdated) -> list[Letter]:
    """Dead letters of the queue group "tests", one an event."""
    async with consuming(broker, Updated("poison")):
        await publish(broker, *events)
        return await buried(broker, len(events))


async def command(broker: Stream, *words: str, code: int = 0) -> list[str]:
    """The lines that the command writes."""
    out = io.StringIO()
    assert await run(parse(words), broker, out) == code
    return out.getvalue().splitlines()


async def test_each_is_one_line_with_its_number_group_subject_attempts_age_and_reason(broker: Stream) -> None:
    first, second = await poisoned(broker, a_change("1", 1, "poison"), a_change("2", 1, "poison"))

    one, two = await command(broker, "list")

    assert one.split() == [
        *(str(first.sequence), "tests", "ticket.updated.1", "2", "attempts", "0", "s"),
        *("ValueError('broken", "by", "poison')"),
    ]
    assert two.split()[0] == str(second.sequence)


async def test_the_list_has_pages(broker: Stream) -> None:
    found = await poisoned(broker, *(a_change(str(n), 1, "poison") for n in range(5)))

    *page, more = await command(broker, "list", "--limit", "3")

    assert [int(line.split()[0]) for line in page] == [letter.sequence for letter in found[:3]]
    assert more == f"more: --after {found[2].sequence}"
    rest = await command(broker, "list", "--limit", "3", *more.split()[1:])
    assert [int(line.split()[0]) for line in rest] == [letter.sequence for letter in found[3:]]


async def test_one_is_shown_with_its_payload_headers_and_reason(broker: Stream) -> None:
    (letter,) = await poisoned(broker, a_change("1", 7, "poison"))

    shown = "\n".join(await command(broker, "show", str(letter.sequence)))

    assert "queue group  tests" in shown
    assert "subject      ticket.updated.1" in shown
    assert "attempts     2" in shown
    assert "reason       ValueError('broken by poison')" in shown
    assert "header       ce-id: ticket.updated:1:7" in shown
    assert '  "version": 7,' in shown
    assert '  "title": "poison",' in shown


async def test_what_is_no_json_is_shown_and_steers_no_terminal(broker: Stream) -> None:
    async with consuming(broker, Updated()):
        await broker.publish("ticket.updated.1", b'{"\x1b[2J\xff', {"ce-id": "\x1b[2J"})
        (letter,) = await buried(broker, 1)

    shown = await command(broker, "show", str(letter.sequence))

    assert shown[-1] == repr(b'{"\x1b[2J\xff')
    assert "\x1b" not in "".join(shown + await command(broker, "list"))


@pytest.mark.parametrize("words", [("show",), ("replay",), ("drop", "--reason", "x")])
async def test_one_that_is_not_there_is_said_to_be_missing(broker: Stream, words: Sequence[str]) -> None:
    assert await command(broker, *words, "4711", code=1) == ["there is no dead letter 4711"]


async def test_a_replay_after_the_cause_was_mended_has_its_effect_once(broker: Stream) -> None:
    first, second = await poisoned(broker, a_change("1", 1, "poison"), a_change("2", 1, "poison"))
    mended = Updated()

    async with consuming(broker, mended):
        await command(broker, "replay", str(first.sequence))
        await until(lambda: mended.done["1"])
        await asyncio.sleep(0.2)

    assert dict(mended.done) == {"1": [1]}
    assert await letters(broker) == [second]


async def test_all_of_a_group_are_replayed_in_the_order_in_which_they_failed(broker: Stream) -> None:
    async with consuming(broker, Elsewhere("poison")):
        await poisoned_by_both(broker)
    mended = Updated()

    async with consuming(broker, mended):
        lines = await command(broker, "replay", "--all", "--queue-group", "tests")
        await until(lambda: len(mended.done["1"]) == 4)

    assert len(lines) == 4
    assert mended.done["1"] == [1, 2, 3, 4]
    assert {letter.queue_group for letter in await letters(broker)} == {"elsewhere"}


async def poisoned_by_both(broker: Stream) -> None:
    async with consuming(broker, Updated("poison")):
        for version in range(1, 5):
            await publish(broker, a_change("1", version, "poison"))
            await buried(broker, 2 * version)


async def test_a_replay_is_seen_by_no_other_queue_group(broker: Stream) -> None:
    other = Elsewhere()
    async with consuming(broker, other):
        (letter,) = await poisoned(broker, a_change("1", 1, "poison"))
        await until(lambda: other.done["1"] == [1])
        bystander = await broker.source(ConsumerSpec("bystander", ("ticket.>",)))
        for delivery in await bystander.pull(10):
            await delivery.ack()
        mended = Updated()

        async with consuming(broker, mended):
            await command(broker, "replay", str(letter.sequence))
            await until(lambda: mended.done["1"] == [1])

        await assert_silent(bystander)
        assert other.done == {"1": [1]}


async def test_a_replay_that_fails_again_is_a_dead_letter_again_and_can_be_replayed_again(
    broker: Stream,
) -> None:
    (letter,) = await poisoned(broker, a_change("1", 1, "poison"))

    async with consuming(broker, Updated("poison")):
        await command(broker, "replay", "--all")
        (again,) = await buried(broker, 1)

    assert again.sequence > letter.sequence
    assert (again.subject, again.queue_group, again.data) == (letter.subject, "tests", letter.data)
    assert again.first_sequence == letter.first_sequence
    mended = Updated()
    async with consuming(broker, mended):
        await command(broker, "replay", "--all")
        await until(lambda: mended.done["1"] == [1])
    assert await letters(broker) == []


async def test_a_crash_between_handing_over_and_removing_is_harmless(
    broker: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    (letter,) = await poisoned(broker, a_change("1", 1, "poison"))
    mended = Updated()

    async def crash(_sequence: int, **_where: bool) -> bool:
        raise Unavailable()

    async with consuming(broker, mended):
        with monkeypatch.context() as crashing:
            crashing.setattr(broker, "remove", crash)
            with pytest.raises(Unavailable):
                await DeadLetters(broker).replay(letter)
        assert await letters(broker) == [letter]

        await command(broker, "replay", str(letter.sequence))
        await until(lambda: mended.done["1"])
        await asyncio.sleep(0.2)

    assert mended.done["1"] == [1]
    assert await letters(broker) == []


async def test_what_the_broker_did_not_take_stays_a_dead_letter(
    broker: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    (letter,) = await poisoned(broker, a_change("1", 1, "poison"))

    async def refuse(*_message: object) -> None:
        raise Unavailable()

    with monkeypatch.context() as refusing:
        refusing.setattr(broker, "publish", refuse)
        for refused in (DeadLetters(broker).replay(letter), DeadLetters(broker).drop(letter, "x")):
            with pytest.raises(Unavailable):
                await refused

    assert await letters(broker) == [letter]


async def test_what_is_dropped_is_kept_apart_with_the_reason(broker: Stream) -> None:
    first, second = await poisoned(broker, a_change("1", 1, "poison"), a_change("2", 1, "poison"))

    (line,) = await command(broker, "drop", str(first.sequence), "--reason", "sent by a test\nof ours")

    assert line.startswith(f"dropped  {first.sequence:>7}  tests")
    assert await letters(broker) == [second]
    (dropped,) = await letters(broker, dropped=True)
    assert (dropped.subject, dropped.data) == (first.subject, first.data)
    assert dropped.headers[DROPPED] == "sent by a test of ours"
    assert dropped.headers[REASON] == "ValueError('broken by poison')"
    (listed,) = await command(broker, "list", "--dropped")
    assert listed.endswith("sent by a test of ours")


async def test_all_are_dropped(broker: Stream) -> None:
    await poisoned(broker, *(a_change(str(n), 1, "poison") for n in range(3)))

    assert len(await command(broker, "drop", "--all", "--reason", "x")) == 3

    assert await letters(broker) == []
    assert len(await letters(broker, dropped=True)) == 3


async def test_a_replica_ends_as_if_its_poison_had_been_none(broker: Stream, database: Database) -> None:
    """The versions behind the poison wait for it, are dead letters in their turn, and follow it."""
    replica = Replica(database["tickets"])
    poison = {"Two"}

    class Kept(Listener[TicketCreated | TicketUpdated]):
        queue_group = "tests"

        async def on_message(self, event: TicketCreated | TicketUpdated) -> None:
            if event.title in poison:
                raise ValueError(event.title)
            await replica.apply(event.id, event.version, {"title": event.title})

    await replica.apply("1", 0, {"title": "Zero"})
    titles = ["One", "Two", "Three", "Four"]
    with pytest.MonkeyPatch.context() as impatient:
        impatient.setattr("common.messaging.outcomes.WAITING_ATTEMPTS", 3)
        async with consuming(broker, Kept()):
            await publish(broker, *(a_change("1", n, title) for n, title in enumerate(titles, 1)))
            await buried(broker, 3)
    assert await replica.find("1") == {"_id": "1", "version": 1, "title": "One"}

    poison.clear()
    async with consuming(broker, Kept()):
        await command(broker, "replay", "--all")
        async with asyncio.timeout(10):
            while await replica.find("1") != {"_id": "1", "version": 4, "title": "Four"}:
                await asyncio.sleep(0.01)

    assert await letters(broker) == []


def test_a_drop_needs_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["drop", "--all"])

    assert "--reason" in capsys.readouterr().err


async def test_a_broker_that_is_not_there_is_said_in_one_line(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("common.messaging.jetstream.operator.CONNECT_SECONDS", 0.2)

    assert await main(argparse.Namespace(command="list"), nats_server.url, MARKETPLACE) == 1

    assert capsys.readouterr().err.startswith("The event stream can't be reached")


@pytest.mark.connected
async def test_the_dead_letters_of_the_real_stream_are_where_they_are_looked_for(real_stream: Stream) -> None:
    await poisoned(real_stream, a_change("1", 1, "poison"))

    found = [stored async for batch in real_stream.history([">"], 0, dead_letters=True) for stored in batch]

    assert [stored.subject for stored in found] == ["dead.tests.ticket.updated.1"]


async def test_a_service_can_make_no_dead_letter_that_a_replay_hands_to_another(broker: Stream) -> None:
    """A service may write what it likes under its own queue group, and no more: the broker sees to that."""
    forged = {"Gittix-Queue-Group": "elsewhere", "Gittix-Subject": "payment.created.1", REASON: "x"}
    await broker.publish("dead.tests.ticket.updated.1", b"{}", forged)
    (letter,) = await letters(broker)

    assert (letter.queue_group, letter.subject) == ("tests", "ticket.updated.1")
    await DeadLetters(broker).replay(letter)
    assert await broker.last(["retry.elsewhere.>"]) is None
    assert (await broker.last(["retry.tests.>"]) or letter).subject == "retry.tests.ticket.updated.1"
