"""Whose suites a change asks for: changed paths, one a line, on stdin; a JSON list of packages on stdout.

What is not known to concern less concerns all: a new file of the root runs everything until it is named here.
"""

import json
import sys
from collections.abc import Iterable

SERVICES = ("auth", "tickets", "orders", "expiration", "payments", "client")
EVERY = ("common", *SERVICES)
# Their tests belong to the job of the whole system, which always runs.
NO_SUITE = ("docs", "examples", "infra")


def packages(paths: Iterable[str]) -> list[str]:
    concerned: set[str] = set()
    for path in paths:
        folder = path.split("/")[0]
        if folder in SERVICES:
            concerned.add(folder)
        elif folder not in NO_SUITE and not path.endswith(".md"):
            concerned.update(EVERY)
    return [name for name in EVERY if name in concerned]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(packages(sys.stdin.read().splitlines())))
