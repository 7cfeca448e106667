"""What an intruder in the process of the pages has, and a sale to attack with it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import jwt
import nats
import nkeys  # type: ignore[import-untyped]  # the library has no types
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client

from common.http import client_address
from common.http.client_address import SignedClientAddress
from common.http.session_keys import public_keys
from common.http.session_tokens import AUDIENCE, ISSUER, TYPE
from common.messaging.nats_connection import Identity, credentials
from infra.actors.api import Api
from infra.actors.person import Person
from infra.dev.system import System


@dataclass(frozen=True)
class Intruder:
    """env: Of the pages' process."""

    env: Mapping[str, str]
    api: Api

    @property
    def secrets(self) -> list[str]:
        """Each value that could be a key."""
        return [value for value in self.env.values() if len(value) >= 32]

    @property
    def address(self) -> dict[str, str]:
        """Header by which the pages name a browser's address."""
        return {
            client_address.HEADER: SignedClientAddress(self.env["CLIENT_ADDRESS_KEY"]).token("203.0.113.9")
        }


@dataclass
class Sale:
    """A ticket with an unpaid order, and a listing beside it."""

    system: System
    intruder: Intruder
    seller: Person
    buyer: Person
    ticket: str
    order: str
    listed: str
    refused: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def broker(self, identity: Identity) -> AsyncIterator[Client]:
        """A connection; what the broker refuses it is in `refused`."""

        async def note(error: Exception) -> None:
            self.refused.append(str(error))

        client = await nats.connect(self.intruder.env["NATS_URL"], **credentials(identity), error_cb=note)
        try:
            yield client
        finally:
            await client.close()

    async def is_refused(self, times: int) -> None:
        """Waits until the broker has refused this often: it says so after the fact."""
        async with asyncio.timeout(10):
            while len(self.refused) < times:
                await asyncio.sleep(0.01)

    def as_pages(self) -> Identity:
        return Identity("client", self.intruder.env["NATS_SEED"])

    def as_administrator(self) -> Identity:
        assert self.system.administrator is not None
        return self.system.administrator


def tokens(intruder: Intruder, user_id: str) -> Iterator[str]:
    """Sessions of the user, signed by each key that the pages have, in each form that a service reads."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "sid": "s", "iat": 1, "exp": time.time() + 600}
    of_before = {"sub": user_id, "email": "a@b.test", "iat": 1, "exp": time.time() + 600}
    (kid,) = public_keys(intruder.env["JWT_PUBLIC_KEYS"])
    for header in ({"kid": kid, "typ": TYPE}, {"typ": TYPE}, {}):
        for body in (claims, of_before):
            yield jwt.encode(body, "", algorithm="none", headers=header)
            yield from (jwt.encode(body, key, algorithm="HS256", headers=header) for key in intruder.secrets)
    # The seed of the broker's user is an Ed25519 key, as that of sessions is.
    seed = Ed25519PrivateKey.from_private_bytes(
        bytes(nkeys.decode_seed(bytearray(intruder.env["NATS_SEED"].encode()))[1])
    )
    yield jwt.encode(claims, seed, algorithm="EdDSA", headers={"kid": kid, "typ": TYPE})
