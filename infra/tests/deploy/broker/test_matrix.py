"""Each user of the broker against every subject, call of JetStream, durable consumer and inbox, on a server.

What each may do is written down here by hand, apart from the code that writes the permissions.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import product
from pathlib import Path

import pytest
from tests.deploy.broker.running import running

from common.contract.events import Subject

pytestmark = pytest.mark.connected

SERVICES = ("tickets", "orders", "expiration", "payments", "auth")
USERS = (*SERVICES, "client")
FOLLOWERS = {
    **dict.fromkeys(("orders", "payments", "client", "auth"), ("session.ended.*",)),
    "tickets": ("session.ended.*", "ticket.>"),
}
"""Users that read events from the stream, each by these filters: which sessions ended, and the index's."""
OWN: Mapping[str, str | tuple[str, ...]] = {
    "tickets": "ticket.",
    "orders": "order.",
    "expiration": ("expiration.", "deadline."),
    "payments": ("payment.", "payout."),
    "auth": ("session.", "user."),
}
FILTERS = ("ticket.>", ">", "*.ended.*", "session.>", "session.ended.*")
STREAMS = ("gittix", "gittix-dead-letters", "KV_other")
CONSUMERS = (*SERVICES, "unknown")
ON_STREAMS = (
    *("STREAM.CREATE", "STREAM.UPDATE", "STREAM.DELETE", "STREAM.PURGE", "STREAM.INFO", "STREAM.MSG.GET"),
    *(
        "STREAM.MSG.DELETE",
        "STREAM.SNAPSHOT",
        "STREAM.RESTORE",
        "STREAM.PEER.REMOVE",
        "STREAM.LEADER.STEPDOWN",
    ),
    *("CONSUMER.CREATE", "CONSUMER.NAMES", "CONSUMER.LIST", "DIRECT.GET"),
)
ON_CONSUMERS = (
    *("CONSUMER.CREATE", "CONSUMER.DURABLE.CREATE", "CONSUMER.INFO", "CONSUMER.DELETE", "CONSUMER.MSG.NEXT"),
    *("CONSUMER.PAUSE", "CONSUMER.UNPIN", "CONSUMER.RESET", "CONSUMER.LEADER.STEPDOWN"),
)
OF_THE_SERVER = (
    *("$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.TEMPLATE.NAMES"),
    *("$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE", "$JS.API.ACCOUNT.PURGE.x", "$JS.API.x"),
    *("$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.USER.INFO", "$JS.FC.gittix.orders.x"),
    *("$KV.other.key", "anything"),
)


def publishable() -> list[str]:
    """Every subject that a user may try to publish to."""
    groups = ("retry", "dead", "dropped")
    return [
        *(f"{kind}.65f" for kind in Subject),
        *(f"{group}.{name}.ticket.created.65f" for group, name in product(groups, CONSUMERS)),
        *(f"$JS.API.{call}.{stream}" for call, stream in product(ON_STREAMS, STREAMS)),
        *(
            f"$JS.API.{call}.{stream}.{name}"
            for call, stream, name in product(ON_CONSUMERS, STREAMS, CONSUMERS)
        ),
        *(
            f"$JS.API.CONSUMER.CREATE.{stream}.{name}.{subject}"
            for stream, name, subject in product(STREAMS, CONSUMERS, FILTERS)
        ),
        *(f"$JS.API.DIRECT.GET.gittix.{kind}.65f" for kind in Subject),
        *(f"$JS.ACK.{stream}.{name}.1.1.1.1.0" for stream, name in product(STREAMS, CONSUMERS)),
        *(f"_INBOX_{user}.x" for user in (*USERS, "administrator")),
        *("_INBOX.x", *OF_THE_SERVER),
    ]


def may_publish(user: str) -> set[str]:
    if user in SERVICES:
        return {*_of_a_service(user), *_following(user)}
    return _following(user)


def _following(user: str) -> set[str]:
    if user not in FOLLOWERS:
        return set()
    return {
        *(f"$JS.API.CONSUMER.CREATE.gittix.unknown.{subject}" for subject in FOLLOWERS[user]),
        "$JS.API.CONSUMER.MSG.NEXT.gittix.unknown",
        "$JS.API.CONSUMER.DELETE.gittix.unknown",
    }


def _of_a_service(user: str) -> set[str]:
    return {
        *(f"{kind}.65f" for kind in Subject if kind.startswith(OWN[user])),
        # Its own dead letters, and what it skipped before it listened, for itself.
        f"retry.{user}.ticket.created.65f",
        f"dead.{user}.ticket.created.65f",
        # Its own durable consumer.
        f"$JS.API.CONSUMER.DURABLE.CREATE.gittix.{user}",
        f"$JS.API.CONSUMER.CREATE.gittix.{user}",
        f"$JS.API.CONSUMER.INFO.gittix.{user}",
        f"$JS.API.CONSUMER.MSG.NEXT.gittix.{user}",
        f"$JS.ACK.gittix.{user}.1.1.1.1.0",
        # Reading: the streams' state, one message, and a consumer with a random name.
        "$JS.API.STREAM.INFO.gittix",
        "$JS.API.STREAM.INFO.gittix-dead-letters",
        "$JS.API.STREAM.MSG.GET.gittix",
        "$JS.API.CONSUMER.CREATE.gittix.unknown",
        "$JS.API.CONSUMER.MSG.NEXT.gittix.unknown",
        "$JS.API.CONSUMER.DELETE.gittix.unknown",
    }


def subscribable() -> list[str]:
    return [
        *(f"{kind}.*" for kind in Subject),
        *(f"_INBOX_{user}.>" for user in (*USERS, "administrator")),
        *("_INBOX.>", ">", "*.>", "ticket.>", "dead.>", "retry.>", "$JS.ACK.>", "$JS.API.>", "$JS.EVENT.>"),
        "$SYS.>",
    ]


def may_subscribe(user: str) -> set[str]:
    if user == "client":
        return {"ticket.updated.*", "ticket.withdrawn.*", "order.created.*", "_INBOX_client.>"}
    return {f"_INBOX_{user}.>"}


@pytest.mark.parametrize("user", USERS)
async def test_only_what_a_user_declares_passes(user: str, tmp_path: Path) -> None:
    async with running(tmp_path) as broker:
        refused: list[str] = []
        async with broker.connection(user, refused) as client:

            async def publish(subject: str) -> None:
                await client.publish(subject, b"", reply=f"_INBOX_{user}.answer")

            async def subscribe(subject: str) -> None:
                await client.subscribe(subject)

            async def passed(attempt: Callable[[str], Awaitable[None]], subjects: Iterable[str]) -> set[str]:
                found = set()
                for subject in subjects:
                    before = len(refused)
                    await attempt(subject)
                    # The client's PING may be sent before what is pending: the answer to the second one comes
                    # after the server's refusal.
                    await client.flush()
                    await client.flush()
                    if len(refused) == before:
                        found.add(subject)
                return found

            assert await passed(publish, publishable()) == may_publish(user)
            assert await passed(subscribe, subscribable()) == may_subscribe(user)

        # Nothing that was refused had an effect.
        async with broker.connection("administrator") as admin:
            streams = {info.config.name for info in await admin.jetstream().streams_info()}
        assert streams == {"gittix", "gittix-dead-letters"}
