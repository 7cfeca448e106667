"""Replica sets of MongoDB: makes one of servers that run, and waits for its primary.

`python -m common.persistence.replica_set HOST:PORT...` is the Job that production runs for each database
(infra/k8s/parts/replica-set); MONGO_KEY has the content of the members' keyFile, where they have one, and
MONGO_OPTIONS options of their address, such as `tls=true&tlsCAFile=…`.
The laptop's runner makes its set of one with the same function.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from common.base.errors import DatabaseError, Unavailable
from common.base.logs import configure_logging
from common.persistence.mongo import Database, Document, connect
from common.persistence.users import as_member

log = logging.getLogger(__name__)

NAME = "rs0"
SETTINGS = {"electionTimeoutMillis": 5_000}
"""Half the default: within one site, a primary that is silent for 5 s is gone."""
PAUSE_SECONDS = 0.1
SLOWEST_PAUSE_SECONDS = 2.0


def administered(member: str, key: str = "", options: str = "") -> Database:
    """One member's own `admin` database, also while the set has no primary.

    key: Content of the members' keyFile, where they have one.
    options: Of the address, such as "tls=true".
    """
    query = "&".join(filter(None, ("directConnection=true", options)))
    return connect(as_member(f"mongodb://{member}/?{query}", key), "admin")


async def initiate(members: Sequence[str], key: str = "", options: str = "") -> str:
    """The primary, as `host:port`, once there is one; waits for members that are still starting.

    key, options: As for `administered`.
    Safe to run again: a set that exists is left as it is.
    """
    admin = administered(members[0], key, options)
    configuration: Document = {
        "_id": NAME,
        "members": [{"_id": number, "host": member} for number, member in enumerate(members)],
        "settings": SETTINGS,
    }
    try:
        pause = PAUSE_SECONDS
        while (primary := await _primary(admin, configuration)) is None:
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOWEST_PAUSE_SECONDS)
        return primary
    finally:
        await admin.close()


async def _primary(admin: Database, configuration: Document) -> str | None:
    try:
        hello = await admin.command("hello")
        if "setName" not in hello:
            await admin.command({"replSetInitiate": configuration})
            hello = await admin.command("hello")
    except (DatabaseError, Unavailable) as error:
        log.info("replica set not initiated yet", extra={"error": str(error)})
        return None
    primary: str | None = hello.get("primary")
    return primary


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m common.persistence.replica_set", description=__doc__)
    parser.add_argument("members", nargs="+", metavar="HOST:PORT")
    members = parser.parse_args().members
    configure_logging("replica-set", "INFO")
    key, options = os.environ.get("MONGO_KEY", ""), os.environ.get("MONGO_OPTIONS", "")
    primary = asyncio.run(initiate(members, key, options))
    sys.stdout.write(f"primary {primary} of {', '.join(members)}\n")


if __name__ == "__main__":
    main()
