"""The outcome of a save is exact: a change that was stored is never reported as a conflict.

Two repositories on one database are two processes: they share no batch and no relay.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from common.base.errors import Conflict, DatabaseError, Outage
from common.persistence import outbox
from common.persistence.mongo import Collection, Database, Document, connect
from common.persistence.outbox import entry_of
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from common.testing.servers import server
from tests.builders import Listing, Listings, a_change, listings, publishers, versions

DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]
Step = Callable[[], Awaitable[object]]


@pytest.fixture(params=DATABASES)
def either_database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def ours(either_database: Database, stream: FakeStream) -> Listings:
    return await listings(either_database, stream)


@pytest.fixture
def theirs(either_database: Database, stream: FakeStream) -> Listings:
    return Listings(either_database, publishers(stream))


async def changed_by(repo: Listings, listing: Listing, title: str) -> None:
    """A change that another process decides, saves, publishes and clears."""
    found = await repo.get(listing.id)
    found.change(title)
    await repo.save(found)
    await repo.relay.drained()


def stalled_after_batch(monkeypatch: pytest.MonkeyPatch, repo: Listings, meanwhile: Step) -> None:
    """`repo`'s process stalls after the server ran its next batch of updates, and `meanwhile` happens."""
    update_each, steps = Collection.update_each, [meanwhile]

    async def update(self: Collection, updates: Sequence[Any]) -> Sequence[bool | DatabaseError]:
        outcomes = await update_each(self, updates)
        if self is repo.documents and steps:
            await steps.pop()()
        return outcomes

    monkeypatch.setattr(Collection, "update_each", update)


async def saved_at_once(repo: Listings, *changed: Listing) -> Sequence[object]:
    """The outcomes of saves that share one batch."""
    return await asyncio.gather(*(repo.save(listing) for listing in changed), return_exceptions=True)


async def winner_and_loser(ours: Listings, theirs: Listings) -> tuple[Listing, Listing]:
    """Two changes of our process, not saved yet, of which the second comes too late."""
    winner, loser = Listing.offer(), Listing.offer()
    for listing in (winner, loser):
        await ours.save(listing)
    await ours.relay.drained()
    late = await ours.get(loser.id)
    await changed_by(theirs, loser, "Theirs")
    winner.change("Ours")
    late.change("Late")
    return winner, late


@pytest.mark.parametrize("later_changes", [1, 12])
async def test_a_save_that_others_published_and_cleared_meanwhile_is_no_conflict(
    ours: Listings, theirs: Listings, monkeypatch: pytest.MonkeyPatch, stream: FakeStream, later_changes: int
) -> None:
    winner, late = await winner_and_loser(ours, theirs)

    async def changed_further() -> None:
        for n in range(later_changes):
            await changed_by(theirs, winner, f"Theirs {n}")

    stalled_after_batch(monkeypatch, ours, changed_further)

    outcomes = await saved_at_once(ours, winner, late)

    assert outcomes[0] is None
    assert isinstance(outcomes[1], Conflict)
    assert winner.version == 1
    await ours.relay.drained()
    published = await emitted(stream, "ticket.updated", later_changes + 2)
    of_winner = [body for body in published if body["id"] == winner.id]
    assert versions(of_winner) == list(range(1, later_changes + 2))


async def test_a_save_in_a_batch_stands_where_its_outbox_cannot_be_read_and_the_sweep_publishes_it(
    ours: Listings, theirs: Listings, monkeypatch: pytest.MonkeyPatch, stream: FakeStream
) -> None:
    winner, late = await winner_and_loser(ours, theirs)

    async def unreachable(*_args: object, **_kwargs: object) -> list[Document]:
        raise Outage("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Collection, "find", unreachable)
        outcomes = await saved_at_once(ours, winner, late)

    assert outcomes[0] is None
    assert isinstance(outcomes[1], Conflict)
    monkeypatch.setattr(outbox, "GRACE", timedelta(0))
    await ours.relay.sweep()
    await ours.relay.drained()
    assert [body["title"] for body in await emitted(stream, "ticket.updated", 2)] == ["Theirs", "Ours"]


async def test_a_process_of_the_last_release_beside_this_one_changes_no_outcome(
    ours: Listings, theirs: Listings, stream: FakeStream
) -> None:
    """The last release marked each event in the outbox with a token of its save, and looked for it there."""
    stream.up = False
    winner, late = await winner_and_loser(ours, theirs)
    entry = {**entry_of(publishers(stream).of(a_change()).envelope(a_change(winner.id), 1)), "save": "token"}
    await theirs.documents.update_one(
        {"_id": winner.id, "version": 0},
        {"$set": {"version": 1, "title": "The last release's"}, "$push": {"outbox": entry}},
    )
    ahead = await ours.get(winner.id)
    ahead.change("Ours")

    outcomes = await saved_at_once(ours, winner, late, ahead)

    assert [type(outcome) for outcome in outcomes] == [Conflict, Conflict, type(None)]
    stream.up = True
    found = await ours.documents.find_one({"_id": winner.id})
    assert found is not None
    # As the last release reads them: it finds its own token, and none in ours.
    assert [entry.get("save") for entry in found["outbox"]] == [None, "token", None]


class LosingProxy:
    """Stands before the database server, and loses the answer to one command once it was carried out."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.lost = 0
        self.command = b""
        """The command whose next answer is lost, as in b"findAndModify"."""
        self._connections = set[asyncio.Future[None]]()

    async def __call__(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._connected(client, answers))
        self._connections.add(connection)
        await connection

    async def ended(self) -> None:
        """Returns once its clients and the server have closed every connection."""
        async with asyncio.timeout(10):
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        database, requests = await asyncio.open_connection("127.0.0.1", self._port)
        losing = asyncio.Event()

        async def forward() -> None:
            while data := await client.read(1 << 16):
                if self.command and self.command in data:
                    self.command = b""
                    losing.set()
                requests.write(data)
            requests.close()

        async def answer() -> None:
            while data := await database.read(1 << 16):
                if losing.is_set():
                    self.lost += 1
                    break
                answers.write(data)
            answers.close()

        try:
            with suppress(ConnectionError):
                await asyncio.gather(forward(), answer())
        finally:
            requests.close()
            answers.close()


@asynccontextmanager
async def losing_answers(real: Database, options: str) -> AsyncIterator[tuple[LosingProxy, Database]]:
    port = int(server("TEST_MONGO_URI").partition("://")[2].partition("/")[0].rpartition(":")[2])
    proxy = LosingProxy(port)
    listening = await asyncio.start_server(proxy, "127.0.0.1")
    address = "{}:{}".format(*listening.sockets[0].getsockname())
    database = connect(f"mongodb://{address}/{real.name}?directConnection=true&w=majority&{options}", "x")
    try:
        yield proxy, database
    finally:
        await database.close()
        listening.close()
        await proxy.ended()


@pytest.mark.connected
@pytest.mark.parametrize(
    ("options", "outcome"), [("retryWrites=true", type(None)), ("retryWrites=false", Outage)]
)
async def test_a_save_whose_answer_was_lost_is_stored_once_and_no_conflict(
    real_database: Database, stream: FakeStream, options: str, outcome: type
) -> None:
    theirs = await listings(real_database, stream)
    async with losing_answers(real_database, options) as (proxy, database):
        ours = Listings(database, publishers(stream))
        new = Listing.offer()
        proxy.command = b"insert"
        inserted = await saved_at_once(ours, new)

        alone = Listing.offer()
        await ours.save(alone)
        alone.change("Ours")
        proxy.command = b"findAndModify"
        updated = await saved_at_once(ours, alone)

        winner, late = await winner_and_loser(ours, theirs)
        proxy.command = b"update"
        batch = await saved_at_once(ours, winner, late)
        await ours.relay.drained()

    assert proxy.lost == 3
    assert [type(found) for found in (*inserted, *updated, batch[0])] == [outcome] * 3
    assert isinstance(batch[1], Outage if outcome is Outage else Conflict)
    assert [(await theirs.get(saved.id)).version for saved in (new, alone, winner)] == [0, 1, 1]
