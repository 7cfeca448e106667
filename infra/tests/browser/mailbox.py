"""Mails to one address, read where they wait to be sent."""

import asyncio

from common.persistence.mongo import connect
from infra.verify import target as targets

SECONDS = 15


async def link_to(address: str, kind: str) -> str:
    """Path and query of the link in the latest mail of this kind, which is awaited."""
    database = connect(targets.find("infra.tests").url("mongo_auth"), "auth")
    try:
        async with asyncio.timeout(SECONDS):
            while not (
                mails := await database["mails"].find(
                    {"to": address, "kind": kind}, sort=[("at", -1)], limit=1
                )
            ):
                await asyncio.sleep(0.05)
        path: str = mails[0]["data"]["path"]
        return path
    finally:
        await database.close()
