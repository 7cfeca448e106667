"""Users of a MongoDB: one for each service, which may read and write the service's own database only.

`python -m common.persistence.users` makes or updates the user of MONGO_URI's database, named like the
database, with the password MONGO_PASSWORD. It signs in as a member of the replica set does, with the content
of the servers' keyFile (MONGO_KEY): no server needs the localhost exception, and a database that was made
without users gets them in the same way. docs/decisions/0037-users-of-the-databases.md
"""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from common.base.errors import DatabaseError, Unavailable
from common.base.logs import configure_logging
from common.persistence.mongo import Database, Document, connect

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
USER_NOT_FOUND, USER_EXISTS = 11, 51003
"""Error codes: https://www.mongodb.com/docs/manual/reference/error-codes/"""
VARIABLES = ("MONGO_URI", "MONGO_KEY", "MONGO_PASSWORD")
MECHANISM = "SCRAM-SHA-256"


def with_credentials(uri: str, user: str, password: str, source: str | None = None) -> str:
    """The MongoDB address with this user. A user that the address names stays: the address is used as it is.

    source: Database that holds the user; None: the database that the address names.
    """
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        return uri
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"
    more = {} if source is None else {"authSource": source, "authMechanism": MECHANISM}
    query = urlencode(dict(parse_qsl(parts.query)) | more)
    return urlunsplit((parts.scheme, netloc, parts.path or "/", query, ""))


def as_member(uri: str, key: str) -> str:
    """The address with the identity of a member of the replica set: it may do everything."""
    return with_credentials(uri, "__system", key, source="local") if key else uri


async def grant(uri: str, key: str, password: str) -> None:
    """Make the user of the database that `uri` names, or give it this password and these rights.

    key: Content of the servers' keyFile. Safe to repeat.
    Raises `errors.Unavailable` while there is no primary.
    """
    name = urlsplit(uri).path.strip("/")
    database = connect(as_member(uri, key), name)
    try:
        await _granted(database, name, password)
    finally:
        await database.close()


async def _granted(database: Database, name: str, password: str) -> None:
    definition: Document = {
        "pwd": password,
        "roles": [{"role": "readWrite", "db": name}],
        "mechanisms": [MECHANISM],
    }
    try:
        await database.command({"updateUser": name, **definition})
    except DatabaseError as error:
        if error.code != USER_NOT_FOUND:
            raise
        try:
            await database.command({"createUser": name, **definition})
        except DatabaseError as also:
            if also.code != USER_EXISTS:
                raise


async def wait_and_grant(uri: str, key: str, password: str) -> None:
    """Like `grant`, once the servers have a primary."""
    while True:
        try:
            return await grant(uri, key, password)
        except Unavailable as error:
            log.info("database not there yet", extra={"error": str(error)})
            await asyncio.sleep(PAUSE_SECONDS)


def main(env: Mapping[str, str] = os.environ) -> int:
    """Exit code 1, and one line, where a variable is missing or the servers refuse the key."""
    if missing := [name for name in VARIABLES if not env.get(name)]:
        sys.stderr.write(f"Cannot start: set {', '.join(missing)}. {env.get('SETTINGS_HINT', '')}\n")
        return 1
    configure_logging("database-users", "INFO")
    try:
        asyncio.run(wait_and_grant(*(env[name] for name in VARIABLES)))
    except DatabaseError as error:
        sys.stderr.write(f"The database refused to make its user: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
