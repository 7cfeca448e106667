"""The key of sessions is exchanged under traffic: two processes of each service, one after the other."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import jwt
import pytest
from tests.system.own import configuration

from infra.actors.api import Api
from infra.actors.person import Person
from infra.deploy.manifests.rendered import REPO
from infra.dev import keys
from infra.dev.config import Config
from infra.dev.output import Output
from infra.dev.testing import running_servers
from infra.verify.rollout import versions
from infra.verify.rollout.fleet import COPIES, MEMBERS, Fleet, Restart, free_ports

pytestmark = pytest.mark.connected

WITH_A_SESSION = ("auth", "tickets", "orders", "payments", "client")
PAUSE_SECONDS = 0.1
"""Between two requests of a user."""
IN_WORDS = "Sign Out"


@dataclass
class Seen:
    """What the users of a session saw: requests, by how they ended."""

    counts: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)

    def judge(self, what: str, is_good: bool, answer: object) -> None:
        self.counts["good" if is_good else "bad"] += 1
        if not is_good:
            self.surprises.append(f"{what}: {answer}")


async def ask(person: Person, seen: Seen) -> None:
    """One request to each service with a session; each tells a member from a visitor."""
    status, body = await person.call("GET", "/api/users/currentuser")
    seen.judge("auth", status == 200 and body["currentUser"] is not None, (status, body))
    status, body = await person.call("GET", "/api/tickets?seller=me")
    seen.judge("tickets", status == 200, (status, body))
    status, body = await person.call("GET", "/api/orders")
    seen.judge("orders", status == 200, (status, body))
    status, body = await person.call("POST", "/api/payments", {"orderId": "x", "token": "tok_visa"})
    seen.judge("payments", status in (400, 404), (status, body))
    reply = await person.api.send("GET", "/", person.headers)
    seen.judge("client", reply.status == 200 and IN_WORDS in reply.content.decode(), reply.status)


@asynccontextmanager
async def asking(people: Iterable[Person], seen: Seen) -> AsyncIterator[None]:
    """The people ask all the while."""
    ending = asyncio.Event()

    async def go_on(person: Person) -> None:
        while not ending.is_set():
            await ask(person, seen)
            await asyncio.sleep(PAUSE_SECONDS)

    lives = [asyncio.create_task(go_on(person)) for person in people]
    try:
        yield
    finally:
        ending.set()
        await asyncio.gather(*lives)


class Rotation:
    """The fleet, and the file of its keys."""

    def __init__(self, fleet: Fleet, data_dir: Path) -> None:
        self._fleet = fleet
        self._data_dir = data_dir

    async def step(self, *step: str, services: Sequence[str] = WITH_A_SESSION) -> None:
        """The command, and then the new keys for one process of each service after the other."""
        command = [str(REPO / "infra/keys.sh"), str(self._data_dir / "keys.env"), *step]
        await asyncio.to_thread(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))
        self._fleet.change_keys(keys.kept(self._data_dir))
        for copy in range(1, COPIES + 1):
            restarts = (Restart(f"{service}-{copy}", kill=False) for service in services)
            await asyncio.gather(*(self._fleet.replace(one, versions.today()) for one in restarts))


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[tuple[Api, Rotation]]:
    with (config.data_dir / "log").open("w") as log:
        async with running_servers(config):
            fleet = Fleet(config, Output(("edge", *MEMBERS), log), keys.kept(config.data_dir))
            try:
                await fleet.start(versions.today())
                async with Api(config.edge_url, connections=50) as api:
                    yield api, Rotation(fleet, config.data_dir)
            finally:
                await fleet.stop()


def key_of(person: Person) -> str:
    """Id of the key that signed the person's session."""
    kid: str = jwt.get_unverified_header(person.session[1])["kid"]
    return kid


async def test_no_step_of_a_rotation_ends_a_session_or_fails_a_request(tmp_path: Path) -> None:
    config = replace(configuration(tmp_path), ports=free_ports())
    seen, over = Seen(), Seen()
    async with running(config) as (api, rotation):
        first = await Person.sign_up(api)
        async with asking([first], seen):
            await rotation.step("add")
            await rotation.step("sign", services=("auth",))
            second = await Person.sign_up(api)
        async with asking([second], seen):
            await rotation.step("retire", "--now")
        await ask(first, over)

    assert key_of(first) != key_of(second)
    assert seen.surprises == []
    assert seen.counts["good"] > 100
    # Once a key is retired, no service takes a session of it.
    assert over.counts == {"bad": 5}
