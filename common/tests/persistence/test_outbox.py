"""From a record's outbox to the stream: nothing lost, nothing out of order, `version` untouched."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from common.base import times, tracing
from common.base.errors import Outage, Unavailable
from common.messaging.stream import MESSAGE_ID
from common.persistence import outbox
from common.persistence.mongo import Database
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Listing, Listings, listings, publishers, until, versions


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "GRACE", timedelta(0))


@pytest.fixture
async def repo(database: Database, stream: FakeStream) -> Listings:
    return await listings(database, stream)


async def pending(repo: Listings, listing: Listing) -> list[str]:
    document = await repo.documents.find_one({"_id": listing.id})
    assert document is not None
    return [entry["id"] for entry in document["outbox"]]


async def swept(repo: Listings) -> int:
    found = await repo.relay.sweep()
    await repo.relay.drained()
    return found


async def test_a_saved_event_is_published_and_then_pulled(repo: Listings, stream: FakeStream) -> None:
    listing = Listing.offer()
    with_trace = tracing.Trace.start("the-request")
    tracing.enter(with_trace)
    await repo.save(listing)
    await repo.relay.drained()

    (message,) = stream.messages
    assert message.subject == f"ticket.created.{listing.id}"
    assert message.headers[MESSAGE_ID] == f"ticket.created:{listing.id}:0"
    assert message.headers["X-Request-Id"] == "the-request"
    assert await pending(repo, listing) == []
    assert (await repo.get(listing.id)).version == 0
    assert await swept(repo) == 0


async def test_an_event_that_could_not_be_published_stays_and_is_swept(
    repo: Listings, stream: FakeStream
) -> None:
    stream.up = False
    listing = Listing.offer()
    await repo.save(listing)
    await repo.relay.drained()
    assert len(await pending(repo, listing)) == 1
    assert await swept(repo) == 1
    assert len(await pending(repo, listing)) == 1

    stream.up = True
    assert await swept(repo) == 1

    assert len(stream.of("ticket.created")) == 1
    assert await pending(repo, listing) == []
    assert (await repo.get(listing.id)).version == 0


async def left_behind(repo: Listings, stream: FakeStream, count: int) -> list[Listing]:
    """Saves records while the broker is away; their events wait in the outboxes."""
    stream.up = False
    found = [Listing.offer() for _ in range(count)]
    for listing in found:
        await repo.save(listing)
    await repo.relay.drained()
    return found


async def test_one_sweep_takes_hundreds_of_records(repo: Listings, stream: FakeStream) -> None:
    """After an outage the events leave in seconds, not at one record a second."""
    await left_behind(repo, stream, 300)
    stream.up = True

    assert await swept(repo) == 300
    assert len(stream.messages) == 300


async def test_what_is_left_and_how_long_is_a_gauge(
    repo: Listings, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gauge(name: str) -> float:
        return REGISTRY.get_sample_value(name, {"collection": "listings"}) or 0

    monkeypatch.setattr(outbox, "SWEEP_LIMIT", 2)
    first, *_ = await left_behind(repo, stream, 3)
    ago = times.now() - timedelta(minutes=5)
    await repo.documents.update_one({"_id": first.id}, {"$set": {"outbox.0.at": ago}})

    await swept(repo)
    assert gauge("outbox_records") == 3
    assert 300 <= gauge("outbox_oldest_seconds") < 330

    stream.up = True
    while await swept(repo):
        pass
    assert gauge("outbox_records") == gauge("outbox_oldest_seconds") == 0


async def test_an_outage_is_a_line_now_and_then_not_one_for_each_event_at_each_sweep(
    repo: Listings, stream: FakeStream, caplog: pytest.LogCaptureFixture
) -> None:
    await left_behind(repo, stream, 20)
    for _ in range(5):
        await swept(repo)

    lines = [record for record in caplog.records if record.message == "event left to the sweep"]
    assert [vars(line)["times"] for line in lines] == [1, 2, 4, 8, 16, 32, 64]


async def test_what_a_crash_left_is_swept_by_another_process(
    database: Database, repo: Listings, stream: FakeStream
) -> None:
    stream.up = False
    listing = Listing.offer()
    await repo.save(listing)
    listing.change("Opera")
    await repo.save(listing)
    for task in repo.relay._tasks:
        task.cancel()
    await repo.relay.drained()
    stream.up = True

    successor = Listings(database, publishers(stream))
    assert await swept(successor) == 1

    assert [message.headers[MESSAGE_ID] for message in stream.messages] == [
        f"ticket.created:{listing.id}:0",
        f"ticket.updated:{listing.id}:1",
    ]
    assert await pending(repo, listing) == []


async def test_a_fresh_entry_is_left_to_the_process_that_saved_it(
    repo: Listings, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE", timedelta(seconds=30))
    stream.up = False
    await repo.save(Listing.offer())
    await repo.relay.drained()

    assert await swept(repo) == 0


async def test_an_earlier_event_of_another_process_leaves_first(
    database: Database, repo: Listings, stream: FakeStream
) -> None:
    stream.up = False
    listing = Listing.offer()
    await repo.save(listing)
    await repo.relay.drained()
    stream.up = True

    other = Listings(database, publishers(stream))
    found = await other.get(listing.id)
    found.change("Opera")
    await other.save(found)
    await other.relay.drained()

    assert [message.subject for message in stream.messages] == [
        f"ticket.created.{listing.id}",
        f"ticket.updated.{listing.id}",
    ]
    assert await pending(repo, listing) == []


class SlowStream(FakeStream):
    """Confirms nothing before `gate` is open; refuses what `refuse` names."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.refuse: set[str] = set()
        self.asked: list[str] = []

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        self.asked.append(headers[MESSAGE_ID])
        await self.gate.wait()
        if headers[MESSAGE_ID] in self.refuse:
            raise Unavailable()
        return await super().publish(subject, data, headers)


async def test_events_of_one_record_leave_in_order_and_those_of_others_beside(database: Database) -> None:
    stream = SlowStream()
    repo = await listings(database, stream)
    offers = [Listing.offer() for _ in range(3)]
    for listing in offers:
        await repo.save(listing)
        for version in (1, 2):
            listing.change(str(version))
            await repo.save(listing)
    await until(lambda: len(stream.asked) == 3)
    assert all(asked.endswith(":0") for asked in stream.asked)

    stream.gate.set()
    await repo.relay.drained()

    for listing in offers:
        mine = [m.headers[MESSAGE_ID] for m in stream.messages if m.subject.endswith(listing.id)]
        assert [message_id[-1] for message_id in mine] == ["0", "1", "2"]
        assert await pending(repo, listing) == []


async def test_what_follows_a_refused_event_waits_for_it(database: Database) -> None:
    stream = SlowStream()
    stream.gate.set()
    repo = await listings(database, stream)
    listing = Listing.offer()
    stream.refuse = {f"ticket.created:{listing.id}:0"}
    await repo.save(listing)
    for version in (1, 2):
        listing.change(str(version))
        await repo.save(listing)
    await repo.relay.drained()
    assert stream.messages == []

    stream.refuse.clear()
    await swept(repo)

    assert [m.headers[MESSAGE_ID][-1] for m in stream.messages] == ["0", "1", "2"]


async def test_what_is_refused_stays_where_an_earlier_event_is_pulled(database: Database) -> None:
    stream = SlowStream()
    stream.gate.set()
    repo = await listings(database, stream)
    listing = Listing.offer()
    refused = f"ticket.updated:{listing.id}:1"
    stream.refuse = {refused}
    await repo.save(listing)
    listing.change("Opera")
    await repo.save(listing)
    await repo.relay.drained()

    assert len(stream.messages) == 1
    assert await pending(repo, listing) == [refused]


async def test_a_sweep_does_not_publish_again_what_is_under_way(database: Database) -> None:
    stream = SlowStream()
    repo = await listings(database, stream)
    await repo.save(Listing.offer())
    await until(lambda: stream.asked)

    await repo.relay.sweep()
    stream.gate.set()
    await repo.relay.drained()

    assert len(stream.asked) == 1


async def test_an_event_that_was_published_but_not_pulled_is_stored_once(
    database: Database, repo: Listings, stream: FakeStream
) -> None:
    listing = Listing.offer()
    await repo.save(listing)
    await until(lambda: stream.messages)
    # The process dies before it pulls; another sweeps the same entry.
    successor = Listings(database, publishers(stream))
    assert await swept(successor) == 1

    assert len(stream.messages) == 1
    assert await pending(repo, listing) == []
    await repo.relay.drained()


async def test_what_was_published_and_could_not_be_pulled_is_pulled_after_the_outage_by_the_same_process(
    repo: Listings, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> int:
        raise Outage("gone")

    listing = Listing.offer()
    with monkeypatch.context() as away:
        away.setattr(repo.documents, "update_many", refuse)
        await repo.save(listing)
        await repo.relay.drained()
    assert len(await pending(repo, listing)) == 1

    assert await swept(repo) == 1

    assert await pending(repo, listing) == []
    assert len(stream.messages) == 1


async def test_a_running_relay_sweeps_by_itself(
    repo: Listings, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 0.01)
    stream.up = False
    listing = Listing.offer()
    await repo.save(listing)
    await repo.relay.drained()
    running = asyncio.create_task(repo.relay.run())

    stream.up = True
    await until(lambda: stream.messages)
    running.cancel()
    await repo.relay.drained()

    assert await pending(repo, listing) == []
    job = {"job": "outbox_listings"}
    assert (REGISTRY.get_sample_value("job_last_success_timestamp_seconds", job) or 0) > 0


@pytest.mark.connected
async def test_many_records_on_the_real_database_end_published_and_cleared(
    real_database: Database, stream: FakeStream
) -> None:
    repo = await listings(real_database, stream)
    offers = [Listing.offer() for _ in range(100)]

    async def flow(listing: Listing) -> None:
        await repo.save(listing)
        for title in ("one", "two"):
            listing.change(title)
            await repo.save(listing)

    await asyncio.gather(*map(flow, offers))
    await repo.relay.drained()

    assert await repo.documents.count_documents({"outbox": []}) == 100
    assert await repo.documents.count_documents({"version": 2}) == 100
    for listing in offers:
        mine = [m for m in stream.messages if m.subject.endswith(listing.id)]
        assert [m.headers[MESSAGE_ID][-1] for m in mine] == ["0", "1", "2"]
    assert sorted(versions(await emitted(stream, "ticket.updated", 200))) == [1] * 100 + [2] * 100


async def test_an_event_that_a_newer_version_sealed_leaves_after_a_rollback(
    repo: Listings, stream: FakeStream
) -> None:
    """The relay sends sealed bytes: this version needs no publisher for the kind."""
    listing = Listing.offer()
    stream.up = False
    await repo.save(listing)
    await repo.relay.drained()
    sealed = {
        "outbox.0.subject": f"ticket.swapped.{listing.id}",
        "outbox.0.headers.ce-type": "ticket.swapped",
    }
    assert await repo.documents.update_one({"_id": listing.id}, {"$set": sealed})

    stream.up = True
    assert await swept(repo) == 1

    assert [message.subject for message in stream.messages] == [f"ticket.swapped.{listing.id}"]
    assert await pending(repo, listing) == []
