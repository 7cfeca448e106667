"""Keys of a local run: the data folder's `keys.env`, which `infra/keys.sh` rotates.

The same variables as in the `.env` of compose.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from common.http.session_keys import PrivateKey
from infra.dev.config import write_private

Keys = Mapping[str, str]
"""Variables of `infra/keys.sh`: the settings of the services."""
LATER = ("FILES_KEY", "BARCODE_KEY")
"""Keys that a folder of an earlier release lacks."""


def kept(data_dir: Path) -> Keys:
    """The keys of the folder, made at its first run; one that a later release added is made then."""
    path = data_dir / "keys.env"
    if not path.exists():
        write_private(path, _lines(generated()))
    known = _read(path)
    later = {name: value for name, value in generated().items() if name in LATER and name not in known}
    if later:
        write_private(path, path.read_text() + _lines(later))
    return {**known, **later}


def _read(path: Path) -> Keys:
    pairs = (line.partition("=") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in pairs if value}


def _lines(keys: Keys) -> str:
    return "".join(f"{name}={value}\n" for name, value in keys.items())


def generated() -> Keys:
    key = PrivateKey.generate()
    return {
        "JWT_KEY": key.text,
        "JWT_PUBLIC_KEYS": key.public.text,
        "RECEIPT_KEYS": secrets.token_urlsafe(48),
        "CLIENT_ADDRESS_KEY": secrets.token_urlsafe(48),
        "DEVICE_KEY": secrets.token_urlsafe(48),
        "FILES_KEY": secrets.token_urlsafe(48),
        "BARCODE_KEY": secrets.token_urlsafe(48),
    }


def of_auth(keys: Keys) -> dict[str, str]:
    return _present(keys, "JWT_KEY", "JWT_PUBLIC_KEYS", "CLIENT_ADDRESS_KEY", "DEVICE_KEY")


def of_others(keys: Keys, *own: str) -> dict[str, str]:
    """Of a service that reads sessions. own: Its keys of a purpose."""
    return _present(keys, "JWT_PUBLIC_KEYS", *own)


def _present(keys: Keys, *names: str) -> dict[str, str]:
    return {name: keys[name] for name in names if keys.get(name)}
