"""The committed file of the broker's users is what the services' code declares, and no service has more."""

import pytest

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.permissions import Account, permissions
from infra.deploy import broker, broker_users


def test_the_committed_file_is_written_from_the_services_declarations() -> None:
    assert broker_users.FILE.read_text() == broker.users(), "run `.venv/bin/python -m infra.deploy.broker`"


def test_its_users_are_the_administrator_and_each_process_with_events() -> None:
    services = ["tickets", "orders", "expiration", "payments", "client", "auth"]
    assert broker_users.names() == ["administrator", *services]


def test_every_namespace_of_the_stream_has_one_publisher() -> None:
    owned = [f"{name}.>" for account in broker.accounts() for name in account.namespaces]

    assert sorted(owned) == sorted(MARKETPLACE.published)


def test_two_users_can_not_own_the_same_events() -> None:
    one, other = Account("one", ("ticket.created",), "one"), Account("other", ("ticket.sold",), "other")

    with pytest.raises(ValueError, match="one and another user publish ticket"):
        permissions(one, MARKETPLACE, [one, other])
