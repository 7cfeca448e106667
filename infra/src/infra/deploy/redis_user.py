"""Redis's one user, `expiration`, with the keys and commands of its timers.

Without a password a connection may only PING, as a probe does. The server's command has the SHA-256 of the
password, never the password: with 256 random bits behind it, the hash is of no use to a reader.
"""

import hashlib

USER = "expiration"
KEYS = ("arq:*", "expiration", "expiration:health-check")
"""Those of arq, and its queue."""
COMMANDS = (
    *("ping", "info", "dbsize", "multi", "exec", "discard", "watch", "unwatch"),
    *("del", "exists", "expire", "pexpire", "get", "set", "setex", "psetex", "incrby"),
    *("zadd", "zcard", "zincrby", "zrange", "zrangebyscore", "zrem", "zremrangebyscore", "zscore"),
)
"""What arq and `expiration.timers` call. No script, no pattern over keys, and nothing that administers."""


def hash_of(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def options(password_hash: str) -> list[str]:
    """Arguments of redis-server."""
    keys = [f"~{pattern}" for pattern in KEYS]
    commands = [f"+{command}" for command in COMMANDS]
    anybody = ["--user", "default", "reset", "on", "nopass", "+ping"]
    return [*anybody, "--user", USER, "reset", "on", f"#{password_hash}", *keys, *commands]
