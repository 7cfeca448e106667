"""One look at whether a process is ready."""

import aiohttp

LOOK_SECONDS = 3.0


async def is_ready(http: aiohttp.ClientSession, url: str) -> bool:
    """url: That of the process's `/readyz`. False also where nothing answers."""
    try:
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=LOOK_SECONDS)) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
