"""Closed loop: a fixed number of connections, each of which sends its next request after the last answer."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable

from infra.actors.api import Api


async def loop(connections: int, requests: int, send: Callable[[int], Awaitable[None]]) -> None:
    """Call `send(number)` for each number below `requests`, with at most `connections` calls at a time."""
    numbers = iter(range(requests))

    async def work() -> None:
        for number in numbers:
            await send(number)

    await asyncio.gather(*(work() for _ in range(connections)))


async def get(url: str, connections: int, seconds: int, cookie: str = "") -> int:
    """Read `url` for some seconds with wrk, which costs almost no CPU; returns the number of requests.

    Raises RuntimeError if an answer is no 2xx, or if wrk is missing.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        return await _get_without_wrk(url, connections, cookie)
    process = await asyncio.create_subprocess_exec(
        *(wrk, "-t1", f"-c{connections}", f"-d{seconds}", "-H", f"Cookie: {cookie}", url),
        stdout=asyncio.subprocess.PIPE,
    )
    output = (await process.communicate())[0].decode()
    total = re.search(r"(\d+) requests in", output)
    if total is None or "Non-2xx" in output:
        raise RuntimeError(output)
    return int(total[1])


async def _get_without_wrk(url: str, connections: int, cookie: str) -> int:
    requests = 5_000
    async with Api("http://" + url.split("/")[2], connections) as api:
        path = "/" + url.split("/", 3)[3]

        async def send(_number: int) -> None:
            status, _ = await api.call("GET", path, {"Cookie": cookie})
            if status != 200:
                raise RuntimeError(f"{url}: {status}")

        await loop(connections, requests, send)
    return requests
