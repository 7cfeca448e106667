"""A signed-in user with a device, and the requests of passkeys."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from common.testing.authenticator import Authenticator
from common.testing.browser import BASE_URL

PATH, SIGN_IN = "/api/users/passkeys", "/api/users/signin/passkey"
EMAIL, PASSWORD = "ada@example.test", "correct horse"


@dataclass
class User:
    """A user's browser and device."""

    client: httpx.AsyncClient
    device: Authenticator = field(default_factory=lambda: Authenticator(BASE_URL))

    async def sign_up(self, email: str = EMAIL) -> None:
        await self.client.post("/api/users/signup", json={"email": email, "password": PASSWORD})

    async def options(self, **proof: Any) -> httpx.Response:
        """To add a passkey, by the password unless another proof is given."""
        return await self.client.post(f"{PATH}/options", json=proof or {"password": PASSWORD})

    async def send_new(self, answer: Any, name: str = "Phone") -> httpx.Response:
        return await self.client.post(PATH, json={"name": name, "credential": answer})

    async def add(self, name: str = "Phone") -> str:
        """Adds a passkey. Returns its id."""
        added = await self.send_new(self.device.create((await self.options()).json()), name)
        assert added.status_code == 201, added.text
        passkey_id: str = added.json()["id"]
        return passkey_id

    async def passkeys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.client.get(PATH)).json()
        return found

    async def sign_in_options(self) -> dict[str, Any]:
        options: dict[str, Any] = (await self.client.post(f"{SIGN_IN}/options")).json()
        return options

    async def send_sign_in(self, answer: Any) -> httpx.Response:
        return await self.client.post(SIGN_IN, json={"credential": answer})

    async def sign_in(self) -> httpx.Response:
        """Without a session, by the device's latest passkey."""
        self.client.cookies.clear()
        return await self.send_sign_in(self.device.get(await self.sign_in_options()))

    async def prove(self) -> dict[str, Any]:
        """The device's answer that proves that the session is the user's own."""
        options = (await self.client.post(f"{PATH}/proof/options")).json()
        return self.device.get(options)
