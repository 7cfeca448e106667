"""`make chaos DURATION=… SEED=…`: random users and random faults, then a check that all data agrees.

Runs on its own system, or on the one that RUN_JSON names. All choices follow from the seed; the interleaving
does not. The same seed therefore repeats the plan, but not every interleaving. Exits 1 if an invariant is
broken or an answer is unexpected.
"""

import argparse
import os
import random
import secrets
import sys
from collections.abc import Sequence

import uvloop

from infra.verify import target as targets
from infra.verify.chaos import run


def _on_a_system_of_its_own(arguments: Sequence[str]) -> None:
    """Restart this command inside `infra.dev.testing`. Never returns."""
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    python = [sys.executable, "-m"]
    command = [*python, "infra.dev.testing", "--system", "--", *python, "infra.verify.chaos", *arguments]
    os.execv(sys.executable, command)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.chaos", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--duration", type=float, default=300, help="seconds of traffic and faults")
    parser.add_argument("--seed", type=int, default=None, help="by default a new one")
    parser.add_argument("--rate", type=float, default=30, help="requests per second, at most")
    parser.add_argument("--settle", type=float, default=90, help="seconds to wait for agreement")
    given = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    options = run.Options(given.duration, seed, given.rate, given.settle)
    if "RUN_JSON" not in os.environ:
        _on_a_system_of_its_own(options.arguments())
    random.seed(seed)
    return uvloop.run(run.chaos(targets.find("infra.verify.chaos"), options))


if __name__ == "__main__":
    sys.exit(main())
