"""`python -m <service> restored`: yesterday's copy of one database, while the other services go on."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.system.own import agreement, configuration, environment_of, running, users_of

from common.persistence.mongo import Database, connect
from common.testing.process import run_module
from infra.actors.person import PASSWORD, Person
from infra.dev.system import System

pytestmark = pytest.mark.connected

SERVICES = ("tickets", "orders", "payments")
PROVIDER = "fake_provider_"
"""Collections of the provider's own record, which the fake one stores in the payments database."""

Records = dict[str, dict[str, Any]]
Copy = dict[str, list[dict[str, Any]]]


@asynccontextmanager
async def database(system: System, service: str) -> AsyncIterator[Database]:
    opened = connect(system.config.mongo(service), service)
    yield opened
    await opened.close()


async def own_collections(books: Database) -> list[str]:
    return [name for name in await books.list_collection_names() if not name.startswith(PROVIDER)]


async def backup(system: System, service: str) -> Copy:
    async with database(system, service) as books:
        return {name: await books[name].find({}) for name in await own_collections(books)}


async def restore(system: System, service: str, copy: Copy) -> None:
    """Drops what is there, indexes included, as a restored volume would."""
    async with database(system, service) as books:
        for name in await own_collections(books):
            await books[name].drop()
        for name, documents in copy.items():
            if documents:
                await books[name].insert_many(documents)


async def published(system: System, service: str) -> None:
    """Returns once no event of the service's own records waits in an outbox."""
    async with database(system, service) as books, asyncio.timeout(30):
        while await books[service].count_documents({"outbox.0": {"$exists": True}}):
            await asyncio.sleep(0.1)


async def records(system: System, service: str) -> Records:
    """The service's own records, without the events in their outboxes, and the times of ledger entries.

    A copy may hold events that were published since; the service clears them at its next start. Entries that
    are restored have the time of the restoration.
    """
    async with database(system, service) as books:
        found = await books[service].find({}, {"outbox": 0, "entries.at": 0})
    return {document["_id"]: document for document in found}


@dataclass
class Town:
    """Users of one system, and what they left open."""

    seller: Person
    buyer: Person
    tickets: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)

    async def trade(self) -> None:
        """Ends what was left open, in each way, and leaves as much open: listings, held, paid, cancelled."""
        fresh = [await self.seller.sell(20 + number) for number in range(8)]
        open_, self.tickets = [*self.tickets, *fresh], []
        for number, ticket in enumerate(open_):
            if number % 4 == 0:
                await self._edit(ticket)
                self.tickets.append(ticket)
            elif number % 4 == 1:
                await self._withdraw(ticket)
            else:
                self.orders.append(await self.buyer.buy(ticket))
        for number, order in enumerate(self.orders):
            if number % 4 == 0:
                await self.buyer.pay(order)
            elif number % 4 == 1:
                await self.buyer.call("DELETE", f"/api/orders/{order}")
            elif number % 4 == 2:
                await self.buyer.pay(order, "tok_chargeDeclined")
            else:
                await self.buyer.pay(order, "tok_threeDSecure")
        self.orders = self.orders[2:6]

    async def _edit(self, ticket: str) -> None:
        body = {"title": "Front row", "price": "31.50", "venue": "Hall", "eventDate": "2031-05-31"}
        await self.seller.call("PUT", f"/api/tickets/{ticket}", body)

    async def _withdraw(self, ticket: str) -> None:
        await self.seller.call("DELETE", f"/api/tickets/{ticket}")


async def run(system: System, service: str) -> subprocess.CompletedProcess[str]:
    env = environment_of(system, service)
    return await asyncio.to_thread(run_module, service, "restored", environment=env)


async def refusal(system: System, service: str) -> str:
    """The line with which the service refuses to begin on the restored copy."""
    process, log = system.processes[service], system.config.data_dir / "log"
    await process.start()
    async with asyncio.timeout(30):
        while "BehindOwnEvents" not in (text := log.read_text()):
            await asyncio.sleep(0.1)
    url = f"http://127.0.0.1:{system.config.ports[service]}/readyz"
    async with aiohttp.request("GET", url) as answer:
        assert answer.status == 503
    await process.stop()
    return next(line for line in text.splitlines() if "BehindOwnEvents" in line)


async def without(service: str, town: Town) -> None:
    """Users go on with what the other services offer while this one is stopped."""
    if service == "tickets":
        await town.buyer.pay(await town.buyer.buy(town.tickets.pop()))
    elif service == "orders":
        town.tickets.append(await town.seller.sell())
    else:
        order = await town.buyer.buy(await town.seller.sell())
        await town.buyer.call("DELETE", f"/api/orders/{order}")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_database_restored_from_a_backup_agrees_with_the_others(tmp_path: Path, service: str) -> None:
    config = configuration(tmp_path / "data", ORDER_HOLD_SECONDS="300", LOG_LEVEL="INFO")
    async with running(config) as system, users_of(system) as api:
        town = Town(await Person.sign_up(api), await Person.sign_up(api))
        await town.trade()
        copy = await backup(system, service)
        await town.trade()
        await town.trade()

        refused = await run(system, service)
        process = system.processes[service]
        await process.stop()
        await published(system, service)
        before = await records(system, service)
        await restore(system, service, copy)
        assert "run its command" in await refusal(system, service)
        await without(service, town)
        done = await run(system, service)
        assert done.returncode == 0, done.stderr
        after = await records(system, service)
        again = await run(system, service)

        await process.start()
        await system.ready()
        await town.trade()
        report = await agreement(system)
    assert (refused.returncode, done.returncode, again.returncode) == (1, 0, 0), done.stderr
    assert "stop every process of it first" in refused.stderr
    assert "0 brought to their last published version, 0 put back" in again.stdout
    assert_as_published(before, after)
    assert report.is_clean, report.details()


def assert_as_published(before: Records, after: Records) -> None:
    """Every record is as it was, or went on from there. Its key of creation and its slot are in no event."""
    for record_id, record in before.items():
        found = after[record_id]
        assert found["version"] >= record["version"]
        assert as_published(found) == as_published(record) or found["version"] > record["version"]


def as_published(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("creation", "slot")}


async def test_a_deleted_account_that_a_backup_of_auth_brings_back_is_deleted_again(tmp_path: Path) -> None:
    config = configuration(tmp_path / "data", LOG_LEVEL="INFO")
    async with running(config) as system, users_of(system) as api:
        ada, bob = await Person.sign_up(api), await Person.sign_up(api)
        copy = await backup(system, "auth")
        assert (await ada.call("DELETE", "/api/users/me", {"password": PASSWORD}))[0] == 202
        async with database(system, "auth") as books, asyncio.timeout(30):
            while await books["users"].count_documents({"outbox.0": {"$exists": True}}):
                await asyncio.sleep(0.1)

        refused = await run(system, "auth")
        await system.processes["auth"].stop()
        await restore(system, "auth", copy)
        assert "run its command" in await refusal(system, "auth")
        done = await run(system, "auth")
        assert done.returncode == 0, done.stderr
        again = await run(system, "auth")
        await system.processes["auth"].start()
        await system.ready()

        assert refused.returncode == 1
        assert "1 accounts again" in done.stdout
        assert "0 accounts again" in again.stdout
        entered = [
            await api.send("POST", "/api/users/signin", {}, {"email": each.email, "password": PASSWORD})
            for each in (ada, bob)
        ]
        assert [answer.status for answer in entered] == [400, 200]
        assert (await Person.sign_up(api, ada.email)).id != ada.id
