"""Namespace of an application, through kubectl."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.verify.kubernetes.application import Application

ROLLOUT_SECONDS = 180
MOST_SAID = 2_000
"""Characters of an error that are printed: kubectl repeats the whole object that it could not apply."""


class Refused(Exception):
    """Error message of kubectl."""


class Cluster:
    def __init__(self, kubectl: Sequence[str], application: Application) -> None:
        """kubectl: The command, with the options that select the cluster."""
        self.application = application
        self.command = (*kubectl, "--namespace", application.namespace)

    async def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl; returns its output. Raises Refused when it fails."""
        process = await asyncio.create_subprocess_exec(
            *self.command,
            *arguments,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(None if stdin is None else stdin.encode())
        if process.returncode != 0:
            raise Refused(f"kubectl {' '.join(arguments)}: {err.decode().strip()[:MOST_SAID]}")
        return out.decode()

    async def get(self, *arguments: str) -> Any:
        return json.loads(await self.kubectl("get", *arguments, "--output", "json"))

    async def raw(self, path: str) -> str:
        return await self.kubectl("get", "--raw", path)

    async def pods(self, app: str) -> Sequence[Mapping[str, Any]]:
        """Live pods of a process or server, without those that are terminating."""
        found = await self.get("pods", "--selector", f"app={app}")
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    async def left(self, app: str) -> None:
        """Wait until the terminating pods have ended."""
        leaving = "jsonpath={.items[?(@.metadata.deletionTimestamp)].metadata.name}"
        async with asyncio.timeout(ROLLOUT_SECONDS):
            while await self.kubectl("get", "pods", f"--selector=app={app}", f"--output={leaving}"):
                await asyncio.sleep(0.2)

    async def scale(self, replicas: int, *names: str) -> None:
        """Scale Deployments or StatefulSets, each as `kind/name`, and wait until all are ready or gone."""
        await self.kubectl("scale", f"--replicas={replicas}", *names)
        await self.rolled_out(*names)

    async def rolled_out(self, *names: str) -> None:
        await asyncio.gather(
            *(self.kubectl("rollout", "status", name, f"--timeout={ROLLOUT_SECONDS}s") for name in names)
        )

    async def whole(self) -> None:
        """Wait until every process and server is ready."""
        await self.rolled_out(*self.application.workloads)
