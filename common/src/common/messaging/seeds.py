"""Keys of the broker's users: nkeys, which are Ed25519 key pairs in NATS' own letters.

A user has the private key, its seed. The server has public keys alone, so that its configuration is no
secret, and a signature of each connection's nonce, never the seed, is what the network sees.
"""

import os

import nkeys  # type: ignore[import-untyped]  # the library has no types


def new_seed() -> str:
    """A user's private key, "SU…" of 58 characters."""
    return bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)).decode()


def public_key(seed: str) -> str:
    """ "U…" of 56 characters. Raises ValueError for what is not the seed of a user."""
    try:
        key = nkeys.from_seed(bytearray(seed.encode())).public_key.decode()
    except (nkeys.NkeysError, ValueError):
        raise ValueError("not the seed of an nkey") from None
    if not key.startswith("U"):
        raise ValueError("not the seed of a user")
    return str(key)


def key_variable(user: str) -> str:
    """Variable of the server's environment that has the user's public key."""
    return f"NATS_{user.upper()}_KEY"


def seed_variable(user: str) -> str:
    """The user's seed, where the seeds of several users are in one place."""
    return f"NATS_{user.upper()}_SEED"
