"""Query plans of the auth database, over 100,000 documents of each kind: every query reads by an index."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from auth.changes import Change, ChangeKind
from auth.deletions import Deletions
from auth.domain import Email, Source, User
from auth.errors import LinkInvalid
from auth.export import exports
from auth.failed_sign_ins import Attempt
from auth.links import Link, LinkKind
from auth.mail.kinds import Confirm
from auth.mail.mails import Ended, Mails
from auth.passkeys.repository import new_passkey
from auth.publishers import publishers
from auth.repository import Repositories
from auth.reset_requests import ResetRequest
from auth.sales import Sales
from auth.sessions import SessionRecords
from auth.settings import Settings
from common.base import times
from common.base.creation import Creation
from common.base.ids import new_id
from common.contract.events import UserDeleted
from common.persistence.mongo import Database
from common.testing.fake_stream import FakeStream
from common.testing.plans import faults_of, fill, missing

pytestmark = pytest.mark.connected

COUNT = 100_000


async def put_mail(mails: Mails, mail_id: str) -> None:
    await mails.put(mail_id, Confirm(path="/"), user_id="u", to="a@shop.test", language="en")


async def test_every_query_reads_by_an_index(settings: Settings, real_database: Database) -> None:
    repositories = Repositories.over(real_database, settings.limits)
    users, failures, sign_ups = repositories.users, repositories.failures, repositories.sign_ups
    mails = repositories.mails
    for each in repositories.all:
        await each.prepare()
    at = times.now()
    await fill(
        users.documents,
        (
            {
                "_id": new_id(),
                "email": f"{n}@shop.test",
                "email_key": f"{n}@shop.test",
                "password_hash": "x",
                "passkey_handle": f"handle-{n}",
            }
            for n in range(COUNT)
        ),
    )
    soon = at + timedelta(minutes=10)
    for name in ("failed_sign_ins", "sign_ups"):
        windows = ({"_id": f"{n}", "at": [at], "expires_at": soon} for n in range(COUNT))
        await fill(real_database[name], windows)
    ended = ({"_id": f"{n}", "ended": "sent", "expires_at": at + timedelta(days=30)} for n in range(COUNT))
    await fill(mails.documents, ended)
    for mail_id in ("first", "second"):
        await put_mail(mails, mail_id)
    sales = Sales(real_database, FakeStream())
    await sales.orders.prepare()
    orders = (
        {"_id": f"{n}", "version": 0, "status": "complete", "expires_at": soon, "ticket_id": f"{n}"}
        for n in range(COUNT)
    )
    await fill(sales.orders.documents, orders)
    leased = await mails.lease("first")
    assert leased is not None
    email = Email.parse("777@shop.test")
    user = User.register(Email.parse("new@shop.test"), "hash")
    await users.add(user)
    attempt = Attempt.of(email, Source("192.0.2.1", "nonce"))
    await failures.add(attempt)

    links, requests, mail_requests = (
        repositories.links,
        repositories.reset_requests,
        repositories.mail_requests,
    )
    await fill(
        links.documents,
        (
            {"_id": f"confirm:{n}", "kind": "confirm", "hash": f"{n}", "expires_at": soon}
            for n in range(COUNT)
        ),
    )
    await fill(requests.documents, ({"_id": f"{n}", "due": soon, "expires_at": soon} for n in range(COUNT)))
    await links.issue(LinkKind.RESET, user, email)
    link = Link(LinkKind.RESET, user.id, email, 0, "a hash")
    change = Change.now(ChangeKind.PASSWORD, email.address)

    deletions = Deletions(real_database, publishers(FakeStream()))
    await deletions.prepare()
    gone, back = (User.register(Email.parse(f"{name}@shop.test"), "hash") for name in ("gone", "back"))
    for one in (gone, back):
        await users.add(one)
    passkeys = repositories.passkeys
    holder = User.register(Email.parse("holder@shop.test"), "hash")
    await users.add(holder)
    passkey = new_passkey("Phone", "credential", "key", 0)

    queries: dict[str, Callable[[], Awaitable[object]]] = {
        "users.generation_of": lambda: users.generation_of(email),
        "users.confirm": lambda: users.confirm(user),
        "users.change_password": lambda: users.change_password(user, "new", change),
        "users.reset_password": lambda: users.reset_password(user, "new", change),
        "users.change_email": lambda: users.change_email(user, Email.parse("other@shop.test"), change),
        "users.finish": lambda: users.finish(user, change),
        "users.unfinished": users.unfinished,
        "deletions.delete": lambda: deletions.delete(gone, change),
        "deletions.delete_again": lambda: deletions.delete_again(UserDeleted(id=back.id, version=1), change),
        "deletions.forget_address": lambda: deletions.forget_address(gone.id, change),
        "mails.erase": lambda: mails.erase(gone.id, but="another"),
        "requests.forget": lambda: requests.forget(email),
        "mail_requests.forget": lambda: mail_requests.forget(email, "192.0.2.1"),
        "failures.forget_account": lambda: failures.forget_account(attempt),
        "passkeys.holder": lambda: passkeys.holder(holder.id),
        "passkeys.of_user": lambda: passkeys.of_user(holder.id),
        "passkeys.of_claim": lambda: passkeys.of_claim("handle-777", "credential"),
        "passkeys.add": lambda: passkeys.add(holder, passkey, change),
        "passkeys.use": lambda: passkeys.use(holder.id, passkey, 1),
        "passkeys.rename": lambda: passkeys.rename(holder.id, passkey.id, "name"),
        "passkeys.remove": lambda: passkeys.remove(holder.id, passkey.id, change),
        "failures.refuse_passkeys": lambda: failures.refuse_passkeys("192.0.2.1"),
        "failures.add_passkey": lambda: failures.add_passkey("192.0.2.1"),
        "links.issue": lambda: links.issue(LinkKind.RESET, user, email),
        "links.of_token": lambda: _none_or(links.of_token("777", LinkKind.RESET)),
        "links.spend": lambda: _none_or(links.spend(link)),
        "links.revoke": lambda: links.revoke(user.id, LinkKind.RESET, LinkKind.CONFIRM),
        "requests.put": lambda: requests.put(email),
        "requests.lease": requests.lease,
        "requests.done": lambda: requests.done(ResetRequest(email, at)),
        "mail_requests.take": lambda: mail_requests.take(email, "192.0.2.1"),
        "users.of_email": lambda: users.of_email(email),
        "users.of_id": lambda: users.of_id(user.id),
        "users.replace_hash": lambda: users.replace_hash(user, "another"),
        "users.is_sent_again": lambda: users.is_sent_again(Creation("key", "fingerprint", "/")),
        "users.choose_mails": lambda: users.choose_mails(user.id, "zh", notices=True),
        "users.turn_notices_off": lambda: users.turn_notices_off(user.id),
        "orders.unpaid": lambda: sales.orders.unpaid(at, soon),
        "orders.find": lambda: sales.orders.find(user.id),
        "orders.in_order": lambda: sales.orders.in_order(new_id(), 0, nothing),
        "orders.apply": lambda: sales.orders.apply("777", 1, {"status": "complete"}),
        "users.set_language": lambda: users.set_language(user, "zh"),
        "users.note_bounce": lambda: users.note_bounce(user.id, "new@shop.test"),
        "users.note_delivery": lambda: users.note_delivery(user.id, "new@shop.test"),
        "mails.due": mails.due,
        "mails.waiting": mails.waiting,
        "mails.lease": lambda: mails.lease("second"),
        "mails.postpone": lambda: mails.postpone(leased, timedelta(hours=1), refused=True),
        "mails.end": lambda: mails.end(leased, Ended.SENT),
        "failures.refuse_guessing": lambda: failures.refuse_guessing(attempt),
        "failures.add": lambda: failures.add(attempt),
        "failures.forget": lambda: failures.forget(attempt),
        "sign_ups.take": lambda: sign_ups.take("192.0.2.1"),
        "sign_ups.give_back": lambda: sign_ups.give_back("192.0.2.1"),
    }

    # These only insert, so they need no index for a search.
    old = {"users": users, "failures": failures, "sign_ups": sign_ups, "mails": mails}
    new = {"links": links, "requests": requests, "mail_requests": mail_requests}
    new |= {"orders": sales.orders, "deletions": deletions}
    new |= {"passkeys": passkeys, "spent": repositories.spent_challenges}
    left_out = missing(queries, **old, **new)
    assert left_out == {"users.add", "mails.put", "spent.spend"}
    await real_database["sessions"].create_indexes(SessionRecords.indexes)
    await fill(
        real_database["sessions"],
        ({"_id": f"{n}", "user_id": f"{n // 10}", "used_at": at} for n in range(COUNT)),
    )
    own = exports(real_database)
    queries |= {f"export.{name}": partial(own.page, user.id, f"{name}:") for name in own.sections}
    assert await faults_of(real_database, queries) == []


async def nothing() -> None:
    """No effect."""


async def _none_or(refused: Awaitable[object]) -> None:
    with suppress(LinkInvalid):
        await refused
