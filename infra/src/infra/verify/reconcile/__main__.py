"""`make reconcile`: names disagreements in the running system. Exits 1 if there are any, 2 without a system.

A system under traffic disagrees for moments: with `--settle SECONDS` the comparison repeats until all agrees
or the time is over.
"""

import argparse
import asyncio
import sys

from infra.verify.reconcile import addresses
from infra.verify.reconcile.view import OUT_OF_REACH, opened, settled


async def run(found: addresses.Addresses, settle: float, *, stream: bool) -> int:
    async with opened(found) as view:
        report, took = await settled(view, settle, stream=stream)
        dead = await view.dead_letters()
    print(report.table())
    if dead:
        report.note(f"{dead} dead letters wait: `python -m common.dead_letters list` shows them.")
    if report.details():
        print(report.details())
    print(f"{'all agrees' if report.is_clean else 'DISAGREEMENTS'} after {took:.1f} s")
    return 0 if report.is_clean else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.reconcile", description=(__doc__ or "").partition("\n")[0]
    )
    for name, variable in addresses.VARIABLES.items():
        option = f"--{name}-{'uri' if name in addresses.DATABASES else 'url'}"
        parser.add_argument(option, dest=name, help=f"or {variable} in the environment")
    parser.add_argument("--settle", type=float, default=0.0, help="seconds to wait for agreement")
    parser.add_argument("--no-stream", action="store_true", help="leave the event store alone")
    arguments = parser.parse_args()
    try:
        found = addresses.find(vars(arguments))
        return asyncio.run(run(found, arguments.settle, stream=not arguments.no_stream))
    except addresses.NotFound as missing:
        print(missing)
    except OUT_OF_REACH as error:
        print(f"The system can't be reached: {error!r}")
    return 2


if __name__ == "__main__":
    sys.exit(main())
