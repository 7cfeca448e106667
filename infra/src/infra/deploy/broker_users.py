"""The file of the broker's users, as it is: `broker.py` writes it from the services' code."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.messaging.seeds import key_variable

FILE = Path(__file__).resolve().parents[3] / "k8s" / "base" / "nats" / "users.conf"
_USER = re.compile(r"^\s*nkey: \$NATS_([A-Z]+)_KEY$", re.MULTILINE)


def names() -> Sequence[str]:
    """The users of the broker, the administrator first."""
    return [user.lower() for user in _USER.findall(FILE.read_text())]


def with_keys(keys: Mapping[str, str]) -> str:
    """The file's text with the users' public keys in the place of their variables."""
    text = FILE.read_text()
    for user, key in keys.items():
        text = text.replace(f"${key_variable(user)}", key)
    return text
