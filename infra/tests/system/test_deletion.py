"""A deleted account, on real servers: nothing of the person stays but what docs/privacy.md names."""

import asyncio
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from bson.json_util import dumps
from tests.system.own import configuration, running, users_of

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.persistence import mongo
from common.persistence.mongo import Document
from infra.actors.api import Api
from infra.actors.person import PASSWORD, Person
from infra.dev import seeds
from infra.dev.system import System
from infra.verify.load.sign_outs import SERVICES, seconds_until_anonymous

pytestmark = pytest.mark.connected

SECONDS = 60
OWNERS = ("auth", "tickets", "orders", "payments")
LAST_MAIL = "Your account is deleted"


@dataclass(frozen=True)
class Traces:
    """Where a person may be found: each place with its text, in lower case."""

    system: System

    @property
    def urls(self) -> Mapping[str, str]:
        urls: Mapping[str, str] = json.loads(self.system.record.read_text())["urls"]
        return urls

    async def documents(self, service: str, name: str) -> list[Document]:
        database = mongo.connect(self.urls[f"mongo_{service}"], service)
        try:
            return await database[name].find({})
        finally:
            await database.close()

    async def of(self, needles: Iterable[str]) -> list[str]:
        """Places that have one of the needles."""
        lowered = [needle.casefold() for needle in needles]
        places = {**await self._databases(), **await self._streams(), "redis": self._redis()}
        places["log"] = (self.system.config.data_dir / "log").read_text()
        return sorted(
            place for place, text in places.items() if any(each in text.casefold() for each in lowered)
        )

    async def _databases(self) -> dict[str, str]:
        found = {}
        for service in OWNERS:
            database = mongo.connect(self.urls[f"mongo_{service}"], service)
            for name in await database.list_collection_names():
                found[f"{service} {name}"] = dumps(await database[name].find({}))
            await database.close()
        return found

    async def _streams(self) -> dict[str, str]:
        identity = seeds.identity(self.system.record.parent)
        stream = JetStream(self.urls["nats"], "traces", MARKETPLACE, identity=identity)
        await stream.connect(declare=False)
        found = {}
        for dead_letters, subjects in ((False, MARKETPLACE.subjects), (True, ("dead.>",))):
            async for batch in stream.history(subjects, dead_letters=dead_letters):
                for stored in batch:
                    text = f"{stored.subject} {stored.data!r} {dict(stored.headers)}"
                    found[f"stream {dead_letters} {stored.sequence}"] = text
        await stream.close()
        return found

    def _redis(self) -> str:
        """All that Redis ever wrote: its file of commands."""
        files = sorted(self.system.config.data_dir.rglob("*.aof"))
        assert files
        return " ".join(file.read_text("latin-1") for file in files)


async def mails(traces: Traces, to: str) -> list[str]:
    """Subjects of the mails that arrived at the address."""
    async with aiohttp.ClientSession() as http, http.get(f"{traces.urls['mailbox']}/mails.json") as answer:
        return [mail["subject"] for mail in await answer.json() if mail["to"].casefold() == to.casefold()]


async def until_mailed(traces: Traces, to: str) -> None:
    """Returns once the last mail arrived, and the outbox has forgotten its address."""
    async with asyncio.timeout(SECONDS):
        while LAST_MAIL not in await mails(traces, to) or any(
            "to" in each for each in await traces.documents("auth", "mails")
        ):
            await asyncio.sleep(0.1)


async def a_life(ada: Person, bob: Person, api: Api) -> Mapping[str, Any]:
    """Ada sells, buys, signs in twice, and asks for every kind of link. Her ids of what is open and paid."""
    listed, held, sold = [await ada.sell() for _ in range(3)]
    await bob.pay(await bob.buy(sold))
    bobs = [await bob.sell() for _ in range(2)]
    bought = await ada.buy(bobs[0])
    await ada.pay(bought)
    made = {
        "listed": listed,
        "held": held,
        "sold": sold,
        "bought": bought,
        "ordered": bobs[1],
        "open": await ada.buy(bobs[1]),
        "bobs": await bob.buy(held),
    }
    await ada.see(f"/api/tickets/{held}", lambda seen: seen["status"] == "held")
    assert (await ada.call("POST", "/api/users/confirmation/request", {}))[0] == 202
    change = {"email": f"new-{ada.email}", "password": PASSWORD}
    assert (await ada.call("PUT", "/api/users/email", change))[0] == 202
    assert (await ada.call("PUT", "/api/users/email", {**change, "password": "wrong horse"}))[0] == 400
    wrong = {"email": ada.email, "password": "wrong horse"}
    assert (await api.send("POST", "/api/users/signin", {}, wrong)).status == 400
    reset = await api.send("POST", "/api/users/password/reset/request", {}, {"email": ada.email})
    assert reset.status == 202
    return made


async def test_nothing_of_a_person_is_found_after_the_deletion_but_what_the_page_on_privacy_names(
    tmp_path: Path,
) -> None:
    config = configuration(tmp_path, ORDER_HOLD_SECONDS="900", LOG_LEVEL="INFO")
    async with running(config) as system, users_of(system) as api:
        traces = Traces(system)
        name = secrets.token_hex(6)
        ada = await Person.sign_up(api, f"Ada.{name}@Load.test")
        bob, second = await Person.sign_up(api), await Person.enter(api, ada.email, PASSWORD)
        made = await a_life(ada, bob, api)
        (user,) = [each for each in await traces.documents("auth", "users") if each["_id"] == ada.id]
        needles = (name, user["email_key"], user["password_hash"])
        before = await traces.of(needles)
        assert {"auth users", "auth links"} <= set(before)

        status, _ = await ada.call("DELETE", "/api/users/me", {"password": PASSWORD})
        since = time.perf_counter()

        assert status == 202
        took = await asyncio.gather(
            *(
                seconds_until_anonymous(person, service, since)
                for person in (ada, second)
                for service in SERVICES
            )
        )
        # Within a second on a machine that does nothing else.
        assert max(took) < 10, took
        await bob.see(f"/api/orders/{made['bobs']}", lambda seen: seen["status"] == "created")
        await bob.see(f"/api/tickets/{made['ordered']}", lambda seen: seen["status"] == "available")
        async with asyncio.timeout(SECONDS):
            while (await bob.call("GET", f"/api/tickets/{made['listed']}"))[0] != 404:
                await asyncio.sleep(0.1)
        assert (await bob.pay(made["bobs"]))[0] == 201
        await bob.see(f"/api/orders/{made['bobs']}", lambda seen: seen["payment"] == "captured")
        await until_mailed(traces, ada.email)

        assert await traces.of(needles) == []
        by_id = {place.split()[0] for place in await traces.of([ada.id])}
        assert {*OWNERS, "stream", "log"} <= by_id
        # The mailbox is the recipient's: her mails are there, and the last one is the last.
        assert (await mails(traces, ada.email)).count(LAST_MAIL) == 1

        again = await Person.sign_up(api, ada.email)
        assert again.id != ada.id
        assert (await again.call("GET", "/api/tickets?seller=me"))[1] == []
