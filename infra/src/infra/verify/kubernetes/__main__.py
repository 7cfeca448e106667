"""`python -m infra.verify.kubernetes [--parts a,b]`: the marketplace on a real cluster, part by part.

Exits 1 if a part failed. If no cluster is available, it prints that and exits 0.
"""

import argparse
import sys
from collections.abc import Sequence

from infra.verify.kubernetes import trial
from infra.verify.kubernetes.marketplace import MARKETPLACE, ON_REPLICA_SETS
from infra.verify.kubernetes.parts import OF_REPLICA_SETS, PARTS


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.kubernetes", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    names = [name for name in parser.parse_args().parts.split(",") if name]
    if unknown := sorted(set(names) - set(PARTS)):
        raise SystemExit(f"No part is called {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    return trial.run(*trials(names))


def trials(names: Sequence[str]) -> Sequence[trial.Trial]:
    """Trials of the parts, grouped by the application that they need, the smaller application first."""
    chosen = (
        (MARKETPLACE, [name for name in names if name not in OF_REPLICA_SETS]),
        (ON_REPLICA_SETS, [name for name in names if name in OF_REPLICA_SETS]),
    )
    command = (sys.executable, "-m", "infra.verify.kubernetes.run")
    return [(application, [*command, *parts]) for application, parts in chosen if parts]


if __name__ == "__main__":
    sys.exit(main())
