"""Redis's one user, `expiration`: the keys and commands of its timers. The default user may only PING, for probes.

The words stand in the commands of the laptop's server, compose and Kubernetes: a test compares them. The password's SHA-256
is in them, the password nowhere: with 256 random bits behind it, the hash is of no use to a reader.
"""

import hashlib

USER = "expiration"
KEYS = ("arq:*", "expiration", "expiration:health-check")
"""Those of arq, and its queue."""
COMMANDS = ["client|setinfo", "dbsize", "del", "discard", "exec", "exists", "expire", "get", "incr", "info", "multi", "pexpire", "ping", "psetex", "set", "setex", "unwatch", "watch", "zadd", "zcard", "zincrby", "zrange", "zrangebyscore", "zrem", "zremrangebyscore", "zscore"]
"""What arq and `expiration.timers` call. No script, no pattern over keys, and nothing that administers."""


def hash_of(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def options(password_hash: str) -> list[str]:
    """Arguments of redis-server."""
    keys = [f"~{pattern}" for pattern in KEYS]
    commands = [f"+{command}" for command in COMMANDS]
    anybody = ["--user", "default", "reset", "on", "nopass", "+ping"]
    return [*anybody, "--user", USER, "reset", "on", f"#{password_hash}", *keys, *commands]
