"""Sweep of fulfilments: deadlines whose timer was lost, and orders that an older release completed."""

from common.base import times
from orders.fulfilment import commands
from orders.fulfilment.terms import Terms
from orders.repository import Repositories
from orders.sweep import GRACE, each, repeated

JOB = "fulfilments"
"""Name of this job in the metric of last successes."""


async def sweep(repositories: Repositories, terms: Terms) -> int:
    """Ends what is past its deadline for longer than the grace, and adopts; each at most OVERDUE_LIMIT.

    Returns the number of orders that need no further sweep, of the longer of both lists.
    """
    orders = repositories.orders
    kinds = await orders.past_deadline(times.now() - GRACE)
    ended = await each(kinds, lambda order_id: commands.pass_deadline(orders, order_id, kinds[order_id]))
    unfulfilled = await orders.unfulfilled()
    adopted = await each(unfulfilled, lambda order_id: commands.adopt(repositories, order_id, terms))
    return max(ended, adopted)


async def run(repositories: Repositories, terms: Terms) -> None:
    """Sweeps in a loop until the task is cancelled."""
    await repeated(JOB, lambda: sweep(repositories, terms))
