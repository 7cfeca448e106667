import socket

import pytest

from infra.dev.ports import NAMES, free_edge, from_edge, is_free, taken_message


def test_every_port_follows_from_the_edges() -> None:
    ports = from_edge(8080)

    assert ports["edge"] == 8080
    assert sorted(ports.values()) == list(range(8080, 8092))


def test_two_runs_twenty_ports_apart_share_none() -> None:
    assert not set(from_edge(8080).values()) & set(from_edge(8100).values())


def test_an_edge_port_without_room_above_is_refused() -> None:
    with pytest.raises(SystemExit, match="EDGE_PORT=65530"):
        from_edge(65530)


def test_a_taken_port_is_named_with_its_variable() -> None:
    ports = from_edge(free_edge())
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports["orders"]))
        other.listen()

        message = taken_message(ports, NAMES)

    assert message is not None
    assert f"{ports['orders']} (orders, EDGE_PORT + 3)" in message
    assert "set EDGE_PORT" in message


def test_only_needed_ports_are_looked_at() -> None:
    ports = from_edge(free_edge())
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports["mongo"]))
        other.listen()

        assert taken_message(ports, [name for name in NAMES if name != "mongo"]) is None
        assert not is_free(ports["mongo"])
