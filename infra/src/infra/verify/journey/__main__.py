"""`make trace ORDER=…`: the journey of one order through the running system.

It only reads. Exits 1 for an order that is unknown, 2 without a system.
"""

import argparse
import asyncio
import os
import sys

from common.base import times
from infra.verify import events
from infra.verify.journey import states, text
from infra.verify.journey.states import States
from infra.verify.journey.steps import Step, of_order
from infra.verify.reconcile import addresses
from infra.verify.reconcile.view import OUT_OF_REACH, View, opened


async def run(found: addresses.Addresses, order_id: str) -> int:
    async with opened(found) as view:
        now = await states.look(view.books, order_id)
        steps = await _steps(view, order_id, now)
    if not steps and now.order is None:
        print(f"No order has the id {order_id}")
        return 1
    print(text.journey(order_id, of_order(order_id, steps), now, times.now()))
    return 0


async def _steps(view: View, order_id: str, now: States) -> list[Step]:
    """Nothing without a broker: then the journey is the present state alone."""
    if view.broker is None:
        return []
    subjects = [f"{kind}.*.{order_id}" for kind in ("order", "expiration", "deadline")]
    if now.ticket is not None:
        subjects.append(f"ticket.*.{now.ticket['_id']}")
    if now.payment is not None:
        subjects += [f"{kind}.*.{now.payment['_id']}" for kind in ("payment", "payout")]
    return [Step.of(message) async for message in events.stored(view.broker, subjects)]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.journey", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("order", help="id of the order: the last part of its page's address")
    try:
        return asyncio.run(run(addresses.find({}, os.environ), parser.parse_args().order))
    except addresses.NotFound as missing:
        print(missing)
    except OUT_OF_REACH as error:
        print(f"The system can't be reached: {error!r}")
    return 2


if __name__ == "__main__":
    sys.exit(main())
