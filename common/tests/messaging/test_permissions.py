"""Permissions of a user of the broker, and the block of the server's configuration that has them."""

import pytest

from common.messaging.jetstream.permissions import Account, Permissions, permissions, rendered
from common.messaging.stream import StreamSpec

SPEC = StreamSpec("events", ("ticket.>", "offer.>", "payment.>"))
SHOP = Account("shop", ("ticket.created", "ticket.sold", "offer.made"), "shop")
BANK = Account("bank", ("payment.made",), "bank")
READER = Account("reader", followed=("ticket.>", "offer.made"))
ALL = (SHOP, BANK, READER)


def test_a_service_publishes_its_namespaces_and_pulls_from_its_own_consumer() -> None:
    assert permissions(SHOP, SPEC, ALL) == Permissions(
        publish=(
            *("offer.>", "ticket.>", "retry.shop.>", "dead.shop.>"),
            "$JS.API.CONSUMER.DURABLE.CREATE.events.shop",
            "$JS.API.CONSUMER.INFO.events.shop",
            "$JS.ACK.events.shop.>",
            "$JS.API.STREAM.INFO.events",
            "$JS.API.STREAM.INFO.events-dead-letters",
            "$JS.API.STREAM.MSG.GET.events",
            "$JS.API.CONSUMER.CREATE.events.*",
            "$JS.API.CONSUMER.MSG.NEXT.events.*",
            "$JS.API.CONSUMER.DELETE.events.*",
        ),
        refused=(
            "$JS.API.CONSUMER.CREATE.events.bank",
            "$JS.API.CONSUMER.MSG.NEXT.events.bank",
            "$JS.API.CONSUMER.DELETE.events.bank",
            "$JS.API.CONSUMER.DELETE.events.shop",
        ),
        subscribe=("_INBOX_shop.>",),
    )


def test_a_reader_of_one_kind_reads_no_other_and_touches_no_durable_consumer() -> None:
    assert permissions(READER, SPEC, ALL) == Permissions(
        publish=(
            "$JS.API.CONSUMER.CREATE.events.*.ticket.>",
            "$JS.API.CONSUMER.CREATE.events.*.offer.made",
            "$JS.API.CONSUMER.MSG.NEXT.events.*",
            "$JS.API.CONSUMER.DELETE.events.*",
        ),
        refused=(
            "$JS.API.CONSUMER.CREATE.events.bank",
            "$JS.API.CONSUMER.CREATE.events.shop",
            "$JS.API.CONSUMER.MSG.NEXT.events.bank",
            "$JS.API.CONSUMER.MSG.NEXT.events.shop",
            "$JS.API.CONSUMER.DELETE.events.bank",
            "$JS.API.CONSUMER.DELETE.events.shop",
            "$JS.API.CONSUMER.CREATE.events.bank.>",
            "$JS.API.CONSUMER.CREATE.events.shop.>",
        ),
        subscribe=("_INBOX_reader.>",),
    )


def test_a_publisher_without_a_consumer_only_looks_at_the_streams() -> None:
    publisher = Account("publisher", ("ticket.created",))

    assert permissions(publisher, SPEC, [publisher]) == Permissions(
        publish=("ticket.>", "$JS.API.STREAM.INFO.events", "$JS.API.STREAM.INFO.events-dead-letters"),
        refused=(),
        subscribe=("_INBOX_publisher.>",),
    )


def test_a_user_that_only_watches_publishes_nothing_and_has_no_inbox() -> None:
    watcher = Account("watcher", watched=("ticket.*", "offer.*"))

    assert permissions(watcher, SPEC, [watcher]) == Permissions((), (), ("ticket.*", "offer.*"))


def test_a_namespace_has_one_publisher() -> None:
    other = Account("other", ("offer.seen", "ticket.seen"), "other")

    with pytest.raises(ValueError, match="shop and another user publish offer, ticket"):
        permissions(SHOP, SPEC, [SHOP, BANK, other])


def test_the_configuration_has_each_user_by_the_variable_of_its_key() -> None:
    allowed = Permissions(("a.>", "b"), ("c",), ("d.>",))

    assert rendered([("ADMIN", None), ("SHOP", allowed), ("WATCHER", Permissions((), (), ("d.>",)))]) == (
        """\
authorization {
  users: [
    {
      nkey: $ADMIN
    }
    {
      nkey: $SHOP
      permissions {
        publish {
          allow: [
            "a.>"
            "b"
          ]
          deny: [
            "c"
          ]
        }
        subscribe {
          allow: [
            "d.>"
          ]
        }
      }
    }
    {
      nkey: $WATCHER
      permissions {
        publish {
          deny: ">"
        }
        subscribe {
          allow: [
            "d.>"
          ]
        }
      }
    }
  ]
}
"""
    )
