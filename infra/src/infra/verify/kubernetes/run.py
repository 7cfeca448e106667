"""Run of the parts, one after another, on a cluster with the application.

`python -m infra.verify.kubernetes.run PART…`, with KUBECTL (the command), EDGE_URL and EDGE_HOST in the
environment. Runs where the cluster's addresses can be reached. Exits 1 if a part failed.
"""

import os
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import uvloop

from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.marketplace import MARKETPLACE
from infra.verify.kubernetes.parts import PARTS
from infra.verify.kubernetes.suite import Suite, Verdict, reached


async def run(names: Sequence[str]) -> int:
    cluster = Cluster(shlex.split(os.environ["KUBECTL"]), MARKETPLACE)
    verdicts: dict[str, tuple[Verdict, float]] = {}
    with tempfile.TemporaryDirectory(prefix="gittix-k8s-") as folder:
        async with reached(cluster, os.environ["EDGE_URL"], Path(folder) / "run.json") as suite:
            for name in names:
                print(f"{name}", flush=True)
                began = time.monotonic()
                verdict = await _tried(suite, name)
                verdicts[name] = verdict, time.monotonic() - began
                print(f"          {verdict.figures}", flush=True)
    print()
    for name, (verdict, seconds) in verdicts.items():
        print(f"{name:12} {'held' if verdict.held else 'FAILED':7} {seconds:6.1f} s")
    return 0 if all(verdict.held for verdict, _ in verdicts.values()) else 1


async def _tried(suite: Suite, name: str) -> Verdict:
    """Run a part. A part that raises an error has failed; the next part begins with all pods ready again."""
    try:
        verdict = await PARTS[name](suite)
        await suite.cluster.whole()
    except Exception as error:
        traceback.print_exc()
        return Verdict(False, f"broke: {type(error).__name__}")
    return verdict


if __name__ == "__main__":
    sys.exit(uvloop.run(run(sys.argv[1:])))
