"""Outage of NATS under traffic: selling continues, and no event is lost."""

import asyncio

from infra.verify.kubernetes.application import stateful_set
from infra.verify.kubernetes.suite import Suite, Verdict
from infra.verify.kubernetes.traffic import flowing, selling, worst

AWAY_SECONDS = 20
NATS = stateful_set("nats")


async def run(suite: Suite) -> Verdict:
    async with flowing(suite.target.edge, selling, width=4) as traffic:
        await suite.cluster.kubectl("scale", "--replicas=0", NATS)
        await suite.cluster.kubectl("wait", "--for=delete", "pod/nats-0", "--timeout=60s")
        written, failed = traffic.writes, traffic.failed
        await asyncio.sleep(AWAY_SECONDS)
        written, failed = traffic.writes - written, traffic.failed - failed
        await suite.cluster.scale(1, NATS)
    agreement = await suite.agreement()
    went_on = f"{written:,} writes in {AWAY_SECONDS} s without NATS, {failed} failed{worst(traffic.failures)}"
    figures = f"{went_on}; {agreement.figures}"
    return Verdict(agreement.held and written > 0 and not traffic.failed, figures)
