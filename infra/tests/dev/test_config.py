import pytest

from infra.dev.config import from_env, with_database
from infra.dev.ports import SERVICES


def test_without_addresses_every_server_is_started_here() -> None:
    assert from_env({}).own_servers == ["nats", "redis", "mongo"]


def test_a_server_elsewhere_is_not_started_and_its_port_not_needed() -> None:
    config = from_env({"MONGO_URI": "mongodb://db.example:27017", "NATS_URL": "nats://bus.example:4222"})

    assert config.own_servers == ["redis"]
    assert config.used_ports == ["edge", *SERVICES, "redis", "mail", "mailbox"]
    assert config.nats() == "nats://bus.example:4222"
    assert "mail" not in from_env({"MAIL_URL": "smtps://mail.example"}).used_ports


def test_an_edge_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(SystemExit, match="EDGE_PORT=http"):
        from_env({"EDGE_PORT": "http"})


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://h:1", "mongodb://h:1/orders"),
        ("mongodb://h:1/", "mongodb://h:1/orders"),
        ("mongodb://h:1/other", "mongodb://h:1/orders"),
        ("mongodb://a,b/?replicaSet=rs", "mongodb://a,b/orders?replicaSet=rs"),
        ("mongodb://u:p@h/admin", "mongodb://u:p@h/orders?authSource=admin"),
        ("mongodb://u:p@h/admin?authSource=x", "mongodb://u:p@h/orders?authSource=x"),
    ],
)
def test_each_service_has_a_database_of_its_own(uri: str, expected: str) -> None:
    assert with_database(uri, "orders") == expected
