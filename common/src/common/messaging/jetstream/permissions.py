"""Permissions of the broker's users: what each may publish, subscribe to and ask of JetStream, and no more.

A user's requests are subjects (`$JS.API.CONSUMER.INFO.<stream>.<consumer>`), so that permissions on subjects
are permissions on streams and consumers. Answers come to an inbox of the user's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.messaging.nats_connection import inbox_of
from common.messaging.stream import StreamSpec, retry_subject

API = "$JS.API"
CREATE = "CONSUMER.CREATE"
READER_CALLS = (CREATE, "CONSUMER.MSG.NEXT", "CONSUMER.DELETE")
"""Calls by which `subscriptions.history` reads a stream, over a consumer with a random name.

The subject of the first ends with the consumer's filter where that is a single one, and the server compares
the two: so a user may be given one kind of event to read, and no other.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the broker.

    user: Name of the user, such as "tickets".
    kinds: Kinds of event that it publishes, such as "ticket.created".
    durable: Name of its durable consumer; None where it has none.
    watched: Subjects that it subscribes to without JetStream.
    followed: Subjects that it reads from the stream, each by a consumer of its own (`Stream.follow`).
    """

    user: str
    kinds: tuple[str, ...] = ()
    durable: str | None = None
    watched: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()

    @property
    def has_answers(self) -> bool:
        """Whether it sends requests, and so needs an inbox."""
        return bool(self.kinds or self.durable or self.followed)

    @property
    def namespaces(self) -> Sequence[str]:
        """First tokens of its kinds.

        It may publish all that begins with them: during a rollout, and after a rollback, a newer version's
        kinds of event are published beside these.
        """
        return sorted({kind.partition(".")[0] for kind in self.kinds})


@dataclass(frozen=True, slots=True)
class Permissions:
    """Patterns of subjects. `refused` is stronger than `publish`."""

    publish: tuple[str, ...]
    refused: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions(account: Account, spec: StreamSpec, accounts: Iterable[Account]) -> Permissions:
    """Of one of the broker's `accounts`.

    Raises ValueError where another one publishes in the same namespace: neither would own its events.
    """
    others = [other for other in accounts if other.user != account.user]
    if shared := [name for other in others for name in other.namespaces if name in account.namespaces]:
        raise ValueError(f"{account.user} and another user publish {', '.join(shared)}")
    durables = sorted(other.durable for other in (account, *others) if other.durable)
    published = (f"{namespace}.>" for namespace in account.namespaces)
    asked = (*published, *_asking(spec, account), *_following(spec.name, account.followed))
    return Permissions(
        publish=tuple(dict.fromkeys(asked)),
        refused=tuple(_on_durables(spec.name, account, durables)),
        subscribe=(*((f"{inbox_of(account.user)}.>",) if account.has_answers else ()), *account.watched),
    )


def _asking(spec: StreamSpec, account: Account) -> Iterable[str]:
    if account.durable is not None:
        yield retry_subject(account.durable, ">")
        yield f"dead.{account.durable}.>"
        yield from _own_consumer(spec.name, account.durable)
    if account.durable is not None or account.kinds:
        for stream in (spec.name, spec.dead_letters):
            yield f"{API}.STREAM.INFO.{stream}"
    if account.durable is not None:
        yield f"{API}.STREAM.MSG.GET.{spec.name}"
        for call in READER_CALLS:
            yield f"{API}.{call}.{spec.name}.*"


def _own_consumer(stream: str, durable: str) -> Iterable[str]:
    for call in ("CONSUMER.DURABLE.CREATE", "CONSUMER.INFO"):
        yield f"{API}.{call}.{stream}.{durable}"
    yield f"$JS.ACK.{stream}.{durable}.>"


def _following(stream: str, subjects: Sequence[str]) -> Iterable[str]:
    for subject in subjects:
        yield f"{API}.{CREATE}.{stream}.*.{subject}"
    if subjects:
        for call in READER_CALLS:
            if call != CREATE:
                yield f"{API}.{call}.{stream}.*"


def _on_durables(stream: str, account: Account, durables: Sequence[str]) -> Iterable[str]:
    """A reader's calls, which name any consumer, on a durable one. Its own may be changed and pulled from."""
    for call in READER_CALLS:
        for durable in durables:
            if durable != account.durable or call == "CONSUMER.DELETE":
                yield f"{API}.{call}.{stream}.{durable}"
    for durable in durables if account.followed else ():
        yield f"{API}.{CREATE}.{stream}.{durable}.>"


def rendered(users: Iterable[tuple[str, Permissions | None]]) -> str:
    """The `authorization` block of the server's configuration, by the variable of each user's public key.

    A user without permissions may do all.
    """
    lines = ["authorization {", "  users: ["]
    for variable, allowed in users:
        lines += ["    {", f"      nkey: ${variable}", *_block(allowed), "    }"]
    return "\n".join([*lines, "  ]", "}", ""])


def _block(allowed: Permissions | None) -> Sequence[str]:
    if allowed is None:
        return []
    publish = [*_patterns("allow", allowed.publish), *_patterns("deny", allowed.refused)]
    return [
        "      permissions {",
        "        publish {",
        *(publish or ['          deny: ">"']),
        "        }",
        "        subscribe {",
        *_patterns("allow", allowed.subscribe),
        "        }",
        "      }",
    ]


def _patterns(name: str, subjects: Sequence[str]) -> Sequence[str]:
    if not subjects:
        return []
    return [f"          {name}: [", *(f'            "{subject}"' for subject in subjects), "          ]"]
