"""Forwarded ports of the cluster's Services on this machine, for clients outside the cluster."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from infra.dev.ports import is_free
from infra.verify.kubernetes.cluster import Cluster

FIRST_PORT = 31_000
AGAIN_SECONDS = 0.2


@asynccontextmanager
async def forwarded(cluster: Cluster, services: Mapping[str, int]) -> AsyncIterator[Mapping[str, int]]:
    """Forward the Services' ports; yields the local ports by Service.

    `services` gives the Services' own ports.
    """
    ports = dict(zip(services, _free(len(services)), strict=True))
    tasks = [
        asyncio.create_task(_forward(cluster, name, ports[name], port)) for name, port in services.items()
    ]
    try:
        async with asyncio.timeout(30):
            for port in ports.values():
                await _accepts(port)
        yield ports
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forward(cluster: Cluster, service: str, here: int, there: int) -> None:
    """Forward one port, and start again whenever the forwarding ends: it ends with its pod."""
    command = (*cluster.command, "port-forward", f"service/{service}", f"{here}:{there}")
    while True:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
        await asyncio.sleep(AGAIN_SECONDS)


async def _accepts(port: int) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)


def _free(count: int) -> Sequence[int]:
    return [port for port in range(FIRST_PORT, FIRST_PORT + 1_000) if is_free(port)][:count]
