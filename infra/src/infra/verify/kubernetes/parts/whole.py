"""The whole-system tests and the headline flows, by the host name through the ingress."""

import asyncio
import os
import sys
from pathlib import Path

from infra.verify import flows
from infra.verify.kubernetes.suite import Suite, Verdict

FLOWS = 400
INFRA = Path(__file__).resolve().parents[5]


async def system(suite: Suite) -> Verdict:
    """Run infra/tests/system, without the tests that end processes by pid: `deletions` deletes pods instead.

    Also without the test of the request's own id, if the ingress controller replaces each request's id.
    """
    command = (
        *(sys.executable, "-m", "pytest", "-q", "-m", "connected", "-p", "no:cacheprovider"),
        *("tests/system/test_marketplace.py", "tests/system/test_rebuild.py"),
        "--deselect=tests/system/test_marketplace.py::test_a_request_id_travels_into_the_answer",
    )
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=INFRA,
        env=os.environ | {"RUN_JSON": str(suite.target.record), "EDGE_URL": suite.target.edge},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode().strip()
    if process.returncode != 0:
        print(output)
    return Verdict(process.returncode == 0, output.splitlines()[-1])


async def headline(suite: Suite) -> Verdict:
    """Run the headline flows, which print their own figures."""
    code = await flows.run(suite.target, FLOWS, FLOWS, [])
    return Verdict(code == 0, f"{FLOWS} flows")
