"""Ports of all processes: each follows from the edge's port."""

import random
import socket
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

SERVICES = ("auth", "tickets", "orders", "expiration", "payments", "client")
SERVERS = ("nats", "redis", "mongo")
DATABASES = ("auth", "tickets", "orders", "payments")
"""Services with a database in MongoDB, and its user, of the same name."""
MAIL = ("mail", "mailbox")
"""The mail server that takes what auth sends, and the page that shows it."""
NAMES = ("edge", *SERVICES, *SERVERS, *MAIL)

Ports = Mapping[str, int]


def from_edge(edge: int, names: Sequence[str] = NAMES) -> Ports:
    """Ports by name: the edge's port for the first name, then one consecutive port for each further name."""
    last = edge + len(names) - 1
    if edge < 1 or last > 65535:
        raise SystemExit(f"EDGE_PORT={edge} leaves no room for the ports up to {last}: choose 1024 to 65000")
    return MappingProxyType({name: edge + offset for offset, name in enumerate(names)})


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def taken_message(ports: Ports, needed: Iterable[str]) -> str | None:
    """One line that names the needed ports that are taken, and the way out; None if all are free."""
    taken = [name for name in needed if not is_free(ports[name])]
    if not taken:
        return None
    edge = ports["edge"]
    listed = ", ".join(
        f"{ports[name]} ({name}{'' if name == 'edge' else f', EDGE_PORT + {ports[name] - edge}'})"
        for name in taken
    )
    return f"Port {listed} is taken: stop its program, or set EDGE_PORT (now {edge}) to another"


def free_edge(start: int = 20000, stop: int = 30000, names: Sequence[str] = NAMES) -> int:
    """Find an edge port that is free now, as are the ports after it, one for each further name.

    The choice is random: parallel runs rarely collide.
    """
    candidates = list(range(start, stop - len(names), len(names)))
    random.shuffle(candidates)
    for edge in candidates:
        if all(is_free(port) for port in from_edge(edge, names).values()):
            return edge
    raise SystemExit(f"No {len(names)} free ports in a row between {start} and {stop}")
