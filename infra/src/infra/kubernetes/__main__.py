"""`python -m infra.kubernetes [--parts a,b]`: the marketplace on a real Kubernetes, part by part.

Exits 1 if a part did not hold. Where no cluster can be had it says so: no failure.
"""

import argparse
import sys

from infra.kubernetes import trial
from infra.kubernetes.marketplace import MARKETPLACE
from infra.kubernetes.parts import PARTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="infra.kubernetes", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    names = [name for name in parser.parse_args().parts.split(",") if name]
    if unknown := sorted(set(names) - set(PARTS)):
        raise SystemExit(f"No part is called {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    return trial.run(MARKETPLACE, [sys.executable, "-m", "infra.kubernetes.run", *names])


if __name__ == "__main__":
    sys.exit(main())
