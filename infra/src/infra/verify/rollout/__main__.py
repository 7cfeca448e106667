"""`make rollout`: two versions side by side, under traffic, on servers and ports of their own.

Leg `release`: from the last release to today's tree, back, and forward again. Leg `tomorrow`: the same from
today's tree to today's tree with `tomorrow.patch`, which adds a kind of event with its listener, an optional
field and an index. Exits 1 at any finding: a lost write or event, a stuck order, a disagreement of
`reconcile`, a request that fails while a process is replaced gracefully.
"""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

import uvloop

from infra.dev.spawn import raise_open_files
from infra.verify.rollout import leg, versions
from infra.verify.rollout.leg import Options

LEGS = ("release", "tomorrow")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="infra.verify.rollout", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--legs", default=",".join(LEGS), help="of " + ", ".join(LEGS))
    parser.add_argument("--seed", type=int, default=None, help="by default a new one")
    parser.add_argument("--short", action="store_true", help="two processes at a time, shorter pauses")
    given = parser.parse_args()
    names = [name for name in given.legs.split(",") if name]
    if unknown := sorted(set(names) - set(LEGS)):
        raise SystemExit(f"No leg is called {', '.join(unknown)}: choose of {', '.join(LEGS)}")
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    options = Options(seed, rate=25.0, at_once=4, pause=2.0, settle=45.0) if given.short else Options(seed)
    raise_open_files()
    verdicts = [_leg(name, options) for name in names]
    return 0 if all(verdicts) else 1


def _leg(name: str, options: Options) -> bool:
    today = versions.today()
    if name == "tomorrow":
        with tempfile.TemporaryDirectory(prefix="gittix-tomorrow-") as folder:
            new = versions.tomorrow(Path(folder))
            return uvloop.run(leg.run(today, new, options, with_news=True))
    try:
        release = versions.release()
    except versions.NoHistory as reason:
        print(f"SKIPPED: the release is not compared: {reason}")
        return True
    return uvloop.run(leg.run(release, today, options, with_news=False))


if __name__ == "__main__":
    sys.exit(main())
