"""Users of a MongoDB: one for each service, which may read and write the service's own database only.

`python -m common.persistence.users` makes the user that MONGO_URI names, with its password, or updates it.
It signs in as a member of the replica set does, with the content of the servers' keyFile (MONGO_KEY): no
server needs the localhost exception, and a database that was made without users gets them in the same way.
docs/decisions/0037-users-of-the-databases.md
"""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from common.base.errors import DatabaseError, Unavailable
from common.base.logs import configure_logging
from common.persistence.mongo import Database, Document, connect

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
USER_NOT_FOUND, USER_EXISTS = 11, 51003
"""Error codes: https://www.mongodb.com/docs/manual/reference/error-codes/"""
VARIABLES = ("MONGO_URI", "MONGO_KEY")
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
    """The address with a member of the replica set in place of its user: it may do everything."""
    if not key:
        return uri
    parts = urlsplit(uri)
    anonymous = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return with_credentials(urlunsplit(anonymous), "__system", key, source="local")


async def grant(uri: str, key: str) -> None:
    """Make the user that `uri` names, in the database that it names, or give it that password and its rights.

    key: Content of the servers' keyFile. Safe to repeat.
    Raises `errors.Unavailable` while there is no primary.
    """
    parts = urlsplit(uri)
    database = connect(as_member(uri, key), parts.path.strip("/"))
    try:
        await _granted(database, unquote(parts.username or ""), unquote(parts.password or ""))
    finally:
        await database.close()


async def _granted(database: Database, user: str, password: str) -> None:
    definition: Document = {
        "pwd": password,
        "roles": [{"role": "readWrite", "db": database.name}],
        "mechanisms": [MECHANISM],
    }
    try:
        await database.command({"updateUser": user, **definition})
    except DatabaseError as error:
        if error.code != USER_NOT_FOUND:
            raise
        try:
            await database.command({"createUser": user, **definition})
        except DatabaseError as also:
            if also.code != USER_EXISTS:
                raise


async def wait_and_grant(uri: str, key: str) -> None:
    """Like `grant`, once the servers have a primary."""
    while True:
        try:
            return await grant(uri, key)
        except Unavailable as error:
            log.info("database not there yet", extra={"error": str(error)})
            await asyncio.sleep(PAUSE_SECONDS)


def main(env: Mapping[str, str] = os.environ) -> int:
    """Exit code 1, and one line, where a variable is missing or the servers refuse the key."""
    if missing := [name for name in VARIABLES if not env.get(name)]:
        sys.stderr.write(f"Cannot start: set {', '.join(missing)}. {env.get('SETTINGS_HINT', '')}\n")
        return 1
    if not urlsplit(env["MONGO_URI"]).password:
        sys.stderr.write("Cannot start: set MONGO_URI (without a user and its password)\n")
        return 1
    configure_logging("database-users", "INFO")
    try:
        asyncio.run(wait_and_grant(env["MONGO_URI"], env["MONGO_KEY"]))
    except DatabaseError as error:
        sys.stderr.write(f"The database refused to make its user: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
