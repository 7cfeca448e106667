"""A walk counts the failures of graceful replacements apart from those of kills."""

from pathlib import Path
from typing import cast

import pytest

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify.chaos.answers import Answer
from infra.verify.chaos.ledger import Ledger
from infra.verify.chaos.shop import Shop
from infra.verify.rollout import walk as walks
from infra.verify.rollout.counter import CountingShop
from infra.verify.rollout.fleet import Fleet, Restart
from infra.verify.rollout.versions import Version
from infra.verify.rollout.walk import walk

VERSION = Version("new", Path("new"))


class Replacements:
    """A fleet during whose replacements requests fail."""

    def __init__(self, shop: CountingShop, failing: set[str]) -> None:
        self._shop = shop
        self._failing = failing
        self.done: list[tuple[str, Version]] = []

    async def replace(self, restart: Restart, version: Version) -> None:
        self.done.append((restart.member, version))
        self._shop.ledger.requests += 2
        self._shop.ledger.answers["5xx"] += restart.member in self._failing


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> CountingShop:
    monkeypatch.setattr(walks, "AFTER_SECONDS", 0.0)
    return CountingShop("http://edge", Ledger(), rate=1000.0)


async def test_a_failure_is_excused_only_at_a_kill(shop: CountingShop) -> None:
    fleet = Replacements(shop, {"tickets-1", "orders-1"})
    looked: list[str] = []

    async def look(members: str) -> None:
        looked.append(members)

    groups = [
        [Restart("tickets-1", kill=False), Restart("auth-1", kill=False)],
        [Restart("orders-1", kill=True)],
    ]
    walked = await walk(cast(Fleet, fleet), groups, VERSION, shop, look)

    assert (walked.replaced, walked.killed, walked.requests) == (3, 1, 6)
    assert (walked.failed, walked.excused) == (1, 1)
    assert fleet.done == [("tickets-1", VERSION), ("auth-1", VERSION), ("orders-1", VERSION)]
    assert looked == ["tickets-1, auth-1", "orders-1"]


@pytest.mark.parametrize(("code", "failures"), [("unavailable", 1), ("payment-outcome-unknown", 0)])
async def test_an_outcome_that_the_provider_leaves_unknown_is_no_failure(
    shop: CountingShop, code: str, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(shop: Shop, *_request: object) -> Answer:
        shop.ledger.answers["5xx"] += 1
        return Answer(503, {"errors": [{"code": code}]})

    monkeypatch.setattr(Shop, "send", send)
    await shop.call(Person(Api("http://edge", connections=1), {}), "POST", "/api/payments", {})

    assert shop.failures == failures
