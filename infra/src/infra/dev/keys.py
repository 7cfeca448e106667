"""Keys of a local run: the data folder's `keys.env`, which `infra/keys.sh` rotates.

The same variables as in the `.env` of compose.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from common.http.session_keys import PrivateKey
from infra.dev.config import write_private

Keys = Mapping[str, str]
"""Variables of `infra/keys.sh`: the settings of the services, `JWT_KEY` as auth has it.

`JWT_SHARED_KEY`: `JWT_KEY` of the others, while sessions of the release before are left.
"""


def kept(data_dir: Path) -> Keys:
    """The keys of the folder, made at its first run. Sessions of an earlier release stay good."""
    path = data_dir / "keys.env"
    if not path.exists():
        before = data_dir / "jwt.key"
        made = generated(before.read_text().strip() if before.exists() else "")
        write_private(path, "".join(f"{name}={value}\n" for name, value in made.items()))
    pairs = (line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in pairs if value}


def generated(shared: str = "") -> Keys:
    """New keys. shared: The key that signed sessions and receipts of an earlier release, if there was one."""
    key = PrivateKey.generate()
    return {
        "JWT_KEY": ",".join(filter(None, (key.text, shared))),
        "JWT_PUBLIC_KEYS": key.public.text,
        "JWT_SHARED_KEY": shared,
        "RECEIPT_KEYS": ",".join(filter(None, (secrets.token_urlsafe(48), shared))),
        "CLIENT_ADDRESS_KEY": secrets.token_urlsafe(48),
        "DEVICE_KEY": secrets.token_urlsafe(48),
    }


def of_the_release_before() -> Keys:
    """The keys of a system that is upgraded: the shared one, and what `infra/keys.sh` makes beside it."""
    shared, following = secrets.token_urlsafe(48), PrivateKey.generate()
    return {
        "JWT_KEY": shared,
        "JWT_SHARED_KEY": shared,
        "JWT_NEXT_KEY": following.text,
        "JWT_PUBLIC_KEYS": following.public.text,
        "DEVICE_KEY": secrets.token_urlsafe(48),
    }


def of_auth(keys: Keys) -> dict[str, str]:
    return _present(keys, "JWT_KEY", "JWT_PUBLIC_KEYS", "CLIENT_ADDRESS_KEY", "DEVICE_KEY")


def of_others(keys: Keys, *own: str) -> dict[str, str]:
    """Of a service that reads sessions. own: Its keys of a purpose."""
    shared = keys.get("JWT_SHARED_KEY", "")
    return _present(keys, "JWT_PUBLIC_KEYS", *own) | ({"JWT_KEY": shared} if shared else {})


def _present(keys: Keys, *names: str) -> dict[str, str]:
    return {name: keys[name] for name in names if keys.get(name)}
