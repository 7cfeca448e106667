"""`python -m infra.deploy.broker` writes the broker's users with their permissions, `users.conf`.

They follow from what each service declares in its code: its publishers, its listeners, what it watches. The
file names the users' public keys by variables of the server's environment: it is the same on a laptop, in
compose and on Kubernetes, and the keys are each installation's own.
"""

import sys
from collections.abc import Sequence
from types import ModuleType

import auth.listeners
import auth.publishers
import expiration.listeners
import expiration.publishers
import orders.listeners
import orders.publishers
import payments.listeners
import payments.publishers
import tickets.listeners
import tickets.publishers
from client.live import pages
from common.contract import ended_sessions
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.permissions import Account, permissions, rendered
from common.messaging.listener import Listener
from common.messaging.publisher import Publisher
from common.messaging.seeds import key_variable
from common.runtime.settings import ADMINISTRATOR
from infra.deploy.broker_users import FILE
from tickets.finding import projection

HEADER = "# Written by `python -m infra.deploy.broker` from the services' publishers and listeners.\n"


FOLLOWED = (ended_sessions.SUBJECT,)
"""Read by each service with a session."""


def accounts() -> Sequence[Account]:
    """The users of the broker but for its administrator."""
    return (
        _service(tickets.publishers, tickets.listeners, followed=(*FOLLOWED, projection.SUBJECT)),
        _service(orders.publishers, orders.listeners, followed=FOLLOWED),
        _service(expiration.publishers, expiration.listeners),
        _service(payments.publishers, payments.listeners, followed=FOLLOWED),
        Account("client", watched=pages.SUBJECTS, followed=FOLLOWED),
        _service(auth.publishers, auth.listeners, followed=FOLLOWED),
    )


def _service(publishers: ModuleType, listeners: ModuleType, *, followed: tuple[str, ...] = ()) -> Account:
    emitted = [one for one in vars(publishers).values() if _is_own(one, Publisher, publishers)]
    (user,) = {publisher.source for publisher in emitted}
    kinds = tuple(str(event.subject) for publisher in emitted for event in publisher.events)
    return Account(user, kinds, _durable(listeners), followed=followed)


def _durable(listeners: ModuleType) -> str:
    groups = {
        one.queue_group
        for one in vars(listeners).values()
        if _is_own(one, Listener, listeners) and one.events
    }
    (durable,) = groups
    return str(durable)


def _is_own(value: object, base: type, module: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__


def users() -> str:
    """Text of the file."""
    everyone = accounts()
    allowed = [(key_variable(one.user), permissions(one, MARKETPLACE, everyone)) for one in everyone]
    return HEADER + rendered([(key_variable(ADMINISTRATOR), None), *allowed])


if __name__ == "__main__":
    FILE.write_text(users())
    sys.stdout.write(f"{FILE}\n")
