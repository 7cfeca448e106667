"""`python -m infra.verify.kubernetes [--parts a,b]`: the marketplace on a real cluster, part by part.

Exits 1 if a part failed. If no cluster is available, it prints that and exits 0.
"""

import argparse
import sys
from collections.abc import Sequence

from infra.verify.kubernetes import trial
from infra.verify.kubernetes.application import Application
from infra.verify.kubernetes.marketplace import MARKETPLACE, ON_REPLICA_SETS, with_release
from infra.verify.kubernetes.parts import OF_REPLICA_SETS, OF_TWO_VERSIONS, PARTS
from infra.verify.rollout import versions


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.kubernetes", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    names = [name for name in parser.parse_args().parts.split(",") if name]
    if unknown := sorted(set(names) - set(PARTS)):
        raise SystemExit(f"No part is called {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    chosen = trials(names)
    return trial.run(*chosen) if chosen else 0


def possible(names: Sequence[str]) -> tuple[Application, Sequence[str]]:
    """The plain application with the images that the parts need, and the parts that have them."""
    if OF_TWO_VERSIONS not in names:
        return MARKETPLACE, names
    try:
        return with_release(versions.extracted()), names
    except versions.NoHistory as reason:
        print(f"SKIPPED: {OF_TWO_VERSIONS}: {reason}")
        return MARKETPLACE, [name for name in names if name != OF_TWO_VERSIONS]


def trials(names: Sequence[str]) -> Sequence[trial.Trial]:
    """Trials of the parts, grouped by the application that they need, the smaller application first."""
    plain, names = possible(names)
    chosen = (
        (plain, [name for name in names if name not in OF_REPLICA_SETS]),
        (ON_REPLICA_SETS, [name for name in names if name in OF_REPLICA_SETS]),
    )
    command = (sys.executable, "-m", "infra.verify.kubernetes.run")
    return [(application, [*command, *parts]) for application, parts in chosen if parts]


if __name__ == "__main__":
    sys.exit(main())
