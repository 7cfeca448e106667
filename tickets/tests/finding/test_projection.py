"""Index of a process: follows the events, reads the rest after a restart, is made again where it is lost."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from common.base import times
from common.base.ids import new_id
from common.messaging.stream import Stored
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.finding.builders import updated, withdrawn
from tickets.finding import projection
from tickets.finding.entries import FORMAT
from tickets.finding.index import Broken, Index
from tickets.finding.projection import NotCaughtUp, Projection
from tickets.finding.queries import Search
from tickets.finding.writer import Writer
from tickets.sorting import Sort

SECONDS = 5


@asynccontextmanager
async def running(stream: FakeStream, directory: Path) -> AsyncIterator[Projection]:
    following = Projection(stream, directory)
    task = asyncio.create_task(following.run())
    try:
        await until(lambda: following.caught_up)
        yield following
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await following.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.005)


async def found(following: Projection, words: str = "concert") -> list[str]:
    return [hit.id for hit in await following.find(Search(words, Sort.NEWEST), 100)]


async def finds(following: Projection, expected: list[str], words: str = "concert") -> None:
    """Waits until it finds exactly these."""
    async with asyncio.timeout(SECONDS):
        while (seen := await found(following, words)) != expected:
            await asyncio.sleep(0.01)
    assert seen == expected


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sequences of the events that were written."""
    sequences: list[int] = []
    apply = Writer._apply

    def noted(self: Writer, stored: Stored) -> None:
        sequences.append(stored.sequence)
        apply(self, stored)

    monkeypatch.setattr(Writer, "_apply", noted)
    return sequences


async def test_a_ticket_is_found_by_its_city(tmp_path: Path) -> None:
    stream, ticket_id = FakeStream(), new_id()
    event = updated(ticket_id, 1).model_copy(update={"city": "Zürich"})
    await publish(stream, event)

    async with running(stream, tmp_path) as following:
        await finds(following, [ticket_id], "zurich")


async def test_only_what_is_on_sale_is_found(stream: FakeStream, tmp_path: Path) -> None:
    ticket, other = new_id(), new_id()
    async with running(stream, tmp_path) as following:
        await publish(stream, updated(ticket, 0), updated(other, 0, "Concert two"))
        await finds(following, [other, ticket])

        await publish(stream, updated(ticket, 1, order_id=new_id()), withdrawn(other, 1))
        await finds(following, [])

        await publish(stream, updated(ticket, 2))
        await finds(following, [ticket])


async def test_an_edit_takes_the_place_of_the_former_words(stream: FakeStream, tmp_path: Path) -> None:
    ticket = new_id()
    await publish(stream, updated(ticket, 0))
    async with running(stream, tmp_path) as following:
        await publish(stream, updated(ticket, 1, "Ballet"))
        await finds(following, [ticket], "ballet")
        assert await found(following) == []


async def test_an_earlier_version_that_comes_again_changes_nothing(
    stream: FakeStream, tmp_path: Path
) -> None:
    ticket, marker = new_id(), new_id()
    async with running(stream, tmp_path) as following:
        sold = updated(ticket, 1, order_id=new_id())
        await publish(stream, updated(ticket, 0), sold, updated(ticket, 0), updated(marker, 0))
        await finds(following, [marker])


async def test_a_day_that_is_over_is_not_indexed(stream: FakeStream, tmp_path: Path) -> None:
    over, marker = new_id(), new_id()
    day = (times.now() - timedelta(days=3)).date()
    async with running(stream, tmp_path) as following:
        await publish(stream, updated(over, 0).model_copy(update={"event_date": day}), updated(marker, 0))
        await finds(following, [marker])


async def test_a_message_that_is_no_event_is_skipped(stream: FakeStream, tmp_path: Path) -> None:
    ticket = new_id()
    async with running(stream, tmp_path) as following:
        await stream.publish("ticket.created.x", b"{", {})
        await stream.publish("ticket.moved.x", b"{}", {})
        await publish(stream, updated(ticket, 0))
        await finds(following, [ticket])


async def test_a_restart_reads_only_the_rest(stream: FakeStream, tmp_path: Path, applied: list[int]) -> None:
    before, later = new_id(), new_id()
    async with running(stream, tmp_path) as following:
        await publish(stream, updated(before, 0))
        await finds(following, [before])
    applied.clear()
    await publish(stream, updated(later, 0))

    async with running(stream, tmp_path) as following:
        await finds(following, [later, before])

    assert applied == [2]


@pytest.mark.parametrize("damage", ["lost", "broken", "cut short", "of another format"])
async def test_an_index_that_is_damaged_is_made_again(
    stream: FakeStream, tmp_path: Path, damage: str
) -> None:
    ticket = new_id()
    await publish(stream, updated(ticket, 0))
    async with running(stream, tmp_path) as following:
        await finds(following, [ticket])
    folder = tmp_path / "0" / f"format-{FORMAT}"
    assert (folder / "meta.json").exists()
    match damage:
        case "lost":
            for file in folder.iterdir():
                file.unlink()
        case "broken":
            (folder / "meta.json").write_text("{")
        case "cut short":
            for file in folder.iterdir():
                if file.suffix not in (".json", ".lock"):
                    file.write_bytes(file.read_bytes()[:8])
        case _:
            folder.rename(tmp_path / "0" / "format-0")

    async with running(stream, tmp_path) as following:
        await finds(following, [ticket])


async def test_an_index_of_a_longer_stream_is_made_again(stream: FakeStream, tmp_path: Path) -> None:
    """Such as one that was restored from a backup."""
    gone, ticket, restored = new_id(), new_id(), FakeStream()
    async with running(stream, tmp_path) as following:
        await publish(stream, updated(gone, 0), updated(gone, 1))
        await finds(following, [gone])
    await publish(restored, updated(ticket, 0))

    async with running(restored, tmp_path) as following:
        await finds(following, [ticket])


async def test_an_index_that_breaks_while_it_is_written_is_made_again(
    stream: FakeStream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "RETRY_SECONDS", 0.01)
    first, second, commit = new_id(), new_id(), Index.commit
    async with running(stream, tmp_path) as following:
        await publish(stream, updated(first, 0))
        await finds(following, [first])

        def fails(_self: Index, _position: int) -> None:
            monkeypatch.setattr(Index, "commit", commit)
            raise Broken("no space left")

        monkeypatch.setattr(Index, "commit", fails)
        await publish(stream, updated(second, 0))
        await until(lambda: not following.caught_up)
        with pytest.raises(NotCaughtUp):
            await found(following)

        await until(lambda: following.caught_up)
        await finds(following, [second, first])


async def test_it_answers_while_the_broker_is_away_and_reads_on_later(
    stream: FakeStream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "RETRY_SECONDS", 0.01)
    first, second = new_id(), new_id()
    await publish(stream, updated(first, 0))
    async with running(stream, tmp_path):
        pass
    stream.up = False
    following = Projection(stream, tmp_path)
    task = asyncio.create_task(following.run())
    await asyncio.sleep(0.05)
    assert not following.caught_up

    stream.up = True
    await publish(stream, updated(second, 0))
    await until(lambda: following.caught_up)

    await finds(following, [second, first])
    task.cancel()
    await following.close()


async def test_processes_of_one_folder_have_an_index_each(stream: FakeStream, tmp_path: Path) -> None:
    ticket = new_id()
    await publish(stream, updated(ticket, 0))

    async with running(stream, tmp_path) as one, running(stream, tmp_path) as other:
        await finds(one, [ticket])
        await finds(other, [ticket])

    assert sorted(os.listdir(tmp_path)) == ["0", "1"]


async def test_a_panic_of_the_library_is_a_broken_index(
    stream: FakeStream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PanicException(BaseException):
        """As PyO3 raises it: no Exception."""

    def panics(*_: object) -> list[object]:
        raise PanicException

    async with running(stream, tmp_path) as following:
        monkeypatch.setattr("tickets.finding.index._sorted", panics)
        with pytest.raises(NotCaughtUp):
            await found(following)
