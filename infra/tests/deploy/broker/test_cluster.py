"""Production's broker of three servers, by its own configuration file: who joins it, and who works on it."""

import asyncio
import os
import ssl
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import nats
import pytest
from tests.deploy.certificates import made, placed

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.declarations import Storage
from common.messaging.jetstream.stream import JetStream
from common.messaging.nats_connection import Identity, credentials
from common.messaging.seeds import key_variable, new_seed, public_key
from common.runtime.settings import ADMINISTRATOR
from infra.deploy import broker_users
from infra.deploy.manifests.rendered import K8S
from infra.dev.ports import free_edge

pytestmark = pytest.mark.connected

SERVER = Path(sysconfig.get_path("scripts")) / "nats-server"
SIZE = 3
REFUSED = "authentication error"
UNTRUSTED = "TLS route handshake error"


@dataclass(frozen=True)
class Member:
    """One server: its place in the cluster, and the password that it knows."""

    number: int
    ports: Sequence[int]
    certificates: Path
    password: str = "r0123"

    @property
    def url(self) -> str:
        return f"tls://localhost:{self.ports[self.number]}"

    def environment(self, keys: Mapping[str, str]) -> dict[str, str]:
        routes = {
            f"NATS_ROUTE_{number}": f"nats://routes:{self.password}@localhost:{self.ports[SIZE + number]}"
            for number in range(SIZE)
        }
        own = {"POD_NAME": f"nats-{self.number}", "NATS_ROUTES_PASSWORD": self.password}
        return {**os.environ, **keys, **routes, **own}

    def configuration(self, folder: Path) -> Path:
        """The file of production, on this machine's ports and folders."""
        text = (K8S / "parts" / "nats-cluster" / "nats.conf").read_text()
        for old, new in (
            ("port: 4222\nhttp_port: 8222", f"listen: 127.0.0.1:{self.ports[self.number]}"),
            ("port: 6222", f"listen: 127.0.0.1:{self.ports[SIZE + self.number]}"),
            ("/data", str(folder / f"data-{self.number}")),
        ):
            assert old in text
            text = text.replace(old, new)
        folder = folder / str(self.number)
        folder.mkdir()
        (folder / "users.conf").write_text(broker_users.FILE.read_text())
        tls = (K8S / "parts" / "nats-cluster" / "tls.conf").read_text()
        (folder / "tls.conf").write_text(placed(tls, self.certificates, "nats"))
        (folder / "nats.conf").write_text(placed(text, self.certificates, "nats"))
        return folder / "nats.conf"


@contextmanager
def started(members: Sequence[Member], seeds: Mapping[str, str], folder: Path) -> Iterator[None]:
    keys = {key_variable(user): public_key(seed) for user, seed in seeds.items()}
    processes = [
        subprocess.Popen(
            [SERVER, "--config", member.configuration(folder), "--log", log_of(member, folder)],
            env=member.environment(keys),
        )
        for member in members
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def log_of(member: Member, folder: Path) -> Path:
    return folder / f"{member.number}.log"


@pytest.fixture
def members(tmp_path: Path) -> Sequence[Member]:
    names = tuple(f"{kind}-{number}" for kind in ("client", "route") for number in range(SIZE))
    edge = free_edge(names=names)
    ports = [edge + offset for offset in range(2 * SIZE)]
    certificates = made(tmp_path / "certificates")
    return [Member(number, ports, certificates) for number in range(SIZE)]


@pytest.fixture
def seeds() -> Mapping[str, str]:
    return {user: new_seed() for user in broker_users.names()}


async def declared(members: Sequence[Member], seeds: Mapping[str, str]) -> None:
    """The streams on three servers, once there are three."""
    url = ",".join(member.url for member in members)
    admin = Identity(ADMINISTRATOR, seeds[ADMINISTRATOR], str(members[0].certificates / "ca.crt"))
    stream = JetStream(url, "job", MARKETPLACE, Storage(SIZE, 1_000_000, permanent=True), identity=admin)
    try:
        await stream.connect()
        info = await stream.client.jetstream().stream_info(MARKETPLACE.name)
        assert (info.config.num_replicas, info.config.max_bytes) == (SIZE, 1_000_000)
    finally:
        await stream.close()


async def test_three_servers_that_know_the_password_keep_the_streams(
    members: Sequence[Member], seeds: Mapping[str, str], tmp_path: Path
) -> None:
    with started(members, seeds, tmp_path):
        async with asyncio.timeout(60):
            await declared(members, seeds)


async def test_a_server_without_the_password_does_not_join(
    members: Sequence[Member], seeds: Mapping[str, str], tmp_path: Path
) -> None:
    server, stranger = members[0], replace(members[1], password="rwrong")
    with started([server, stranger], seeds, tmp_path):
        async with asyncio.timeout(30):
            while not (log := log_of(server, tmp_path)).exists() or REFUSED not in log.read_text():
                await asyncio.sleep(0.05)


async def test_a_server_with_a_certificate_of_another_ca_does_not_join(
    members: Sequence[Member], seeds: Mapping[str, str], tmp_path: Path
) -> None:
    server, stranger = members[0], replace(members[1], certificates=made(tmp_path / "strange"))
    with started([server, stranger], seeds, tmp_path):
        async with asyncio.timeout(30):
            while not (log := log_of(server, tmp_path)).exists() or UNTRUSTED not in log.read_text():
                await asyncio.sleep(0.05)


async def test_a_connection_in_plain_text_or_to_a_certificate_of_another_ca_is_refused(
    members: Sequence[Member], seeds: Mapping[str, str], tmp_path: Path
) -> None:
    server = members[0]
    strange = str(made(tmp_path / "strange") / "ca.crt")
    with started([server], seeds, tmp_path):
        assert b"PONG" not in await answered_in_plain_text(server)
        for refused in (
            Identity("client", seeds["client"], strange),
            Identity("client", seeds["client"]),
        ):
            with pytest.raises(ssl.SSLCertVerificationError):
                await nats.connect(server.url, **credentials(refused), allow_reconnect=False)
        own = Identity("client", seeds["client"], str(server.certificates / "ca.crt"))
        by_address = server.url.replace("localhost", "127.0.0.1")
        with pytest.raises(ssl.SSLCertVerificationError):
            await nats.connect(by_address, **credentials(own), allow_reconnect=False)


async def answered_in_plain_text(server: Member) -> bytes:
    """What the server says to a client that goes on without TLS."""
    async with asyncio.timeout(20):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[server.number])
                break
            except OSError:
                await asyncio.sleep(0.05)
        await reader.readline()
        writer.write(b"CONNECT {}\r\nPING\r\n")
        answer = await reader.read()
        writer.close()
        return answer
