"""Processes end without warning during the flows, and the runner restarts them."""

import pytest

from infra.verify import flows
from infra.verify.target import Target

pytestmark = pytest.mark.connected


@pytest.mark.parametrize("killed", ["tickets", "orders", "nats", "tickets,orders,nats,edge"])
async def test_nothing_is_lost_when_a_process_is_killed(target: Target, killed: str) -> None:
    assert await flows.run(target, flows=150, width=50, kills=killed.split(",")) == 0


async def test_the_headline_flows_agree(target: Target) -> None:
    assert await flows.run(target, flows=200, width=200, kills=[]) == 0
