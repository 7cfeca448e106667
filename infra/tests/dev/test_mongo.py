"""MongoDB of the local runner: durability, supported machines, and the error messages elsewhere."""

import asyncio
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from common.persistence.mongo import connect
from infra.dev import mongo, servers
from infra.dev.config import from_env, mongo_of_one
from infra.dev.output import Output
from infra.dev.ports import free_edge
from infra.dev.process import Supervised

connected = pytest.mark.connected
WAYS_OUT = ("mongod is on PATH", "set MONGO_URI", "docker compose up")


class Server:
    """mongod on a folder, restarted after a crash, and a collection in it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.output = io.StringIO()

    async def __aenter__(self) -> "Server":
        self.port = free_edge()
        command = mongo.command(self.port, self.data_dir)
        output = Output(["mongo"], self.output, servers.UNWANTED)
        self.process = Supervised("mongo", command, {}, output, lambda: None, signal.SIGTERM)
        await self.process.start()
        async with asyncio.timeout(60):
            await mongo.prepared(self.port)
        self.database = connect(mongo_of_one(self.port), "shop", wait_seconds=30)
        self.things = self.database["things"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.database.close()
        await self.process.stop()


@connected
async def test_documents_outlive_a_restart_on_another_port(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        first = server.port
        await server.things.insert_one({"_id": "a"})

    async with Server(tmp_path) as server:
        assert server.port != first
        assert await server.things.count_documents({"_id": "a"}) == 1
        await server.things.insert_one({"_id": "b"})


@connected
async def test_kill_9_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        acknowledged: set[str] = set()

        async def write(lane: int) -> None:
            for number in range(10_000):
                name = f"{lane}-{number}"
                await server.things.insert_one({"_id": name})
                acknowledged.add(name)

        lanes = [asyncio.create_task(write(lane)) for lane in range(8)]
        async with asyncio.timeout(30):
            while len(acknowledged) < 500:
                await asyncio.sleep(0.001)
        pid = server.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        async with asyncio.timeout(60):
            while server.process.pid in (None, pid):
                await asyncio.sleep(0.01)
            await mongo.prepared(server.port)

        kept = {found["_id"] for found in await server.things.find({})}

    assert acknowledged - kept == set()


@connected
async def test_a_write_that_a_kill_interrupts_is_done_once_and_acknowledged(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        things = server.things
        await things.insert_one({"_id": "a", "count": 0})
        pid = server.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

        await things.update_one({"_id": "a"}, {"$inc": {"count": 1}})

        assert (await things.find_one({"_id": "a"}) or {})["count"] == 1


@connected
async def test_sigterm_ends_it_cleanly_and_its_log_stays_off_the_terminal(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        await server.things.insert_one({"_id": "a"})

    assert "did not stop" not in server.output.getvalue()
    # Only a clean shutdown empties this file.
    assert (tmp_path / "mongod" / "mongod.lock").read_bytes() == b""
    assert server.output.getvalue() == ""


@connected
async def test_its_data_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "mongod").mkdir(mode=0o755)

    mongo.command(1, tmp_path)

    assert (tmp_path / "mongod").stat().st_mode & 0o777 == 0o700


async def test_errors_of_mongod_are_shown() -> None:
    shown = io.StringIO()
    line = json.dumps({"s": "E", "msg": "Wrong mongod version"}, separators=(",", ":"))
    output = Output(["mongo"], shown, servers.UNWANTED)
    reader = asyncio.StreamReader()
    reader.feed_data(f"{line}\n{line.replace('E', 'I', 1)}\n".encode())
    reader.feed_eof()

    await output.copy("mongo", reader)

    assert shown.getvalue() == f"mongo | {line}\n"


Program = Callable[[str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Create an executable `mongod` with the given script; PATH contains no other program."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(script: str) -> Path:
        path = folder / "mongod"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


def test_a_mongod_on_the_path_goes_before_the_packaged_one(program: Program, tmp_path: Path) -> None:
    own = program("exit 0")

    assert mongo.command(1, tmp_path)[0] == str(own)


@pytest.mark.usefixtures("program")
def test_without_any_mongod_the_ways_out_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "PACKAGED", tmp_path / "nowhere")

    with pytest.raises(SystemExit) as refused:
        mongo.command(1, tmp_path)

    assert all(way in str(refused.value) for way in WAYS_OUT)
    assert "\n" not in str(refused.value)


def test_a_packaged_mongod_that_lacks_a_library_names_it(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = program("echo 'libcurl.so.4: cannot open shared object file' >&2; exit 127")
    monkeypatch.setattr(mongo, "PACKAGED", broken)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(SystemExit) as refused:
        mongo.command(1, tmp_path)

    assert "libcurl.so.4" in str(refused.value)
    assert all(way in str(refused.value) for way in WAYS_OUT)


@pytest.mark.usefixtures("program")
def test_data_of_the_database_before_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "store").write_bytes(b"H:2")

    with pytest.raises(SystemExit) as refused:
        servers.prepare("mongo", from_env({"DATA_DIR": str(tmp_path)}))

    assert str(tmp_path) in str(refused.value)
    assert "make clean" in str(refused.value)
    assert "DATA_DIR" in str(refused.value)
    assert not (tmp_path / "mongod").exists()
