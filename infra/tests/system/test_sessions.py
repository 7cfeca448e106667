"""A session that was ended is anonymous in every service, on real servers, whatever stops and starts."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest
from tests.system.own import configuration, running, users_of

from infra.actors.api import Api
from infra.actors.person import PASSWORD, Person
from infra.dev.system import System
from infra.verify.load.sign_outs import SERVICES, Shop, is_known, seconds_until_anonymous
from infra.verify.load.watcher import watching_session
from infra.verify.readiness import is_ready
from infra.verify.target import Target

pytestmark = pytest.mark.connected

OTHERS = tuple(service for service in SERVICES if service != "auth")


async def known_in(person: Person, services: Iterable[str] = SERVICES) -> set[str]:
    return {service for service in services if await is_known(person, service)}


async def until_anonymous(person: Person, services: Iterable[str] = SERVICES) -> None:
    await asyncio.gather(*(seconds_until_anonymous(person, service, 0.0) for service in services))


async def test_a_sign_out_is_known_to_every_service_and_ends_the_live_page(target: Target, api: Api) -> None:
    async with watching_session() as pages:
        shop = await Shop.open(api, pages, target.edge)
        other = await shop.sign_in()
        for _ in range(3):
            assert (await shop.round()).keys() == {*SERVICES, "live page"}

        assert await known_in(other) == set(SERVICES)


async def test_all_other_devices_are_signed_out_by_one(api: Api) -> None:
    first = await Person.sign_up(api)
    others = [await Person.enter(api, first.email, PASSWORD) for _ in range(3)]

    assert (await first.call("DELETE", "/api/users/sessions"))[0] == 204

    for other in others:
        await until_anonymous(other)
    assert await known_in(first) == set(SERVICES)


async def restarted(system: System, service: str) -> None:
    """Returns once it is ready: an orchestrator sends it no request before."""
    await system.processes[service].stop()
    await system.processes[service].start()
    url = f"http://127.0.0.1:{system.config.ports[service]}/readyz"
    async with asyncio.timeout(60), aiohttp.ClientSession() as http:
        while not await is_ready(http, url):
            await asyncio.sleep(0.05)


async def test_an_ended_session_stays_so_for_services_that_start_later_and_without_auth_and_broker(
    tmp_path: Path,
) -> None:
    async with running(configuration(tmp_path)) as system, users_of(system) as api:
        ended, good = await Person.sign_up(api), await Person.sign_up(api)
        await ended.call("POST", "/api/users/signout")
        await until_anonymous(ended)

        for service in SERVICES:
            await restarted(system, service)
            assert await known_in(ended) == set()
            assert await known_in(good) == set(SERVICES)

        await system.processes["auth"].stop()
        await restarted(system, "tickets")
        assert await known_in(ended, OTHERS) == set()
        assert await known_in(good, OTHERS) == set(OTHERS)

        await system.processes["nats"].stop()
        assert await known_in(ended, OTHERS) == set()
        assert await known_in(good, OTHERS) == set(OTHERS)


async def test_a_sign_out_while_the_broker_is_away_reaches_the_others_when_it_is_back(tmp_path: Path) -> None:
    async with running(configuration(tmp_path)) as system, users_of(system) as api:
        person = await Person.sign_up(api)
        await system.processes["nats"].stop()
        later = await Person.enter(api, person.email, PASSWORD)
        assert (await person.call("POST", "/api/users/signout"))[0] == 200
        assert not await is_known(person, "auth")
        assert await known_in(later) == set(SERVICES)

        await system.processes["nats"].start()

        await until_anonymous(person)
        assert await known_in(later) == set(SERVICES)
