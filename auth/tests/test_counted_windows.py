"""Which events count together: failed sign-ins, requests for a mail, and sign-ups, without an app."""

import hashlib
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from auth.domain import Email, Limits, Source
from auth.errors import TooManySignUps
from auth.failed_sign_ins import WINDOW, Attempt, FailedSignIns
from auth.mail_requests import HOUR, MailRequests
from auth.sign_ups import SignUps
from common.base import times
from common.base.errors import TooManyTries
from common.persistence.mongo import Database
from common.testing.clock import Clock

ADA, BOB = Email.parse("Ada@example.test"), Email.parse("bob@example.test")
HOME, AWAY = "192.0.2.1", "203.0.113.9"
NONE = Limits(0, 0, 0, 0, 0, 0, 0)
DEVICE = "a nonce of a device"


@pytest.fixture(autouse=True)
def clock(clock: Clock) -> Clock:
    clock.now = times.now()
    return clock


def stored(*parts: str) -> str:
    """Name of a window as each release stores it: two of them, side by side in a rollout, count together."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


async def wait(attempt: Awaitable[None]) -> int:
    """Seconds to wait, as a refusal says; 0 where it does not."""
    try:
        await attempt
    except TooManyTries as refusal:
        return int(refusal.headers["Retry-After"])
    return 0


def test_each_window_of_a_sign_in_has_its_own_stored_name() -> None:
    attempt = Attempt.of(ADA, Source(HOME, DEVICE))

    assert attempt == Attempt(
        account_from_address=stored("ada@example.test", HOME),
        account=stored("ada@example.test"),
        address=stored("address", HOME),
        device=stored("device", DEVICE),
    )
    assert Attempt.of(ADA, Source(HOME)) == replace(attempt, device=None)


def test_equal_texts_of_an_address_an_account_and_a_device_count_apart() -> None:
    attempt = Attempt.of(ADA, Source(ADA.key, ADA.key))

    assert len({attempt.account, attempt.address, attempt.device, attempt.account_from_address}) == 4


async def test_a_device_that_is_known_has_a_window_of_its_own(database: Database, clock: Clock) -> None:
    failures = FailedSignIns(database, replace(NONE, failed_sign_ins=2, failed_sign_ins_per_account=1))
    known, unknown = Attempt.of(ADA, Source(HOME, DEVICE)), Attempt.of(ADA, Source(HOME))

    await failures.add(unknown)
    await failures.add(known)
    assert await wait(failures.refuse_guessing(unknown)) == WINDOW.total_seconds()
    assert await wait(failures.refuse_guessing(known)) == 0
    await failures.add(known)
    assert await wait(failures.refuse_guessing(known)) == WINDOW.total_seconds()
    clock.now += WINDOW
    assert await wait(failures.refuse_guessing(known)) == 0


@pytest.mark.parametrize("device", [None, DEVICE])
async def test_each_failure_counts_against_its_address(database: Database, device: str | None) -> None:
    failures = FailedSignIns(database, replace(NONE, failed_sign_ins_per_address=2))
    for email in (ADA, BOB):
        await failures.add(Attempt.of(email, Source(HOME, device)))

    assert await wait(failures.refuse_guessing(Attempt.of(ADA, Source(HOME)))) == WINDOW.total_seconds()
    assert await wait(failures.refuse_guessing(Attempt.of(ADA, Source(AWAY)))) == 0


async def test_a_success_on_a_known_device_leaves_the_failures_of_others(database: Database) -> None:
    failures = FailedSignIns(database, replace(NONE, failed_sign_ins=1))
    known, unknown = Attempt.of(ADA, Source(HOME, DEVICE)), Attempt.of(ADA, Source(HOME))
    for attempt in (known, unknown):
        await failures.add(attempt)

    await failures.forget(known)

    assert await wait(failures.refuse_guessing(known)) == 0
    assert await wait(failures.refuse_guessing(unknown)) > 0
    await failures.forget(unknown)
    assert await wait(failures.refuse_guessing(unknown)) == 0


async def test_a_reset_clears_the_account_everywhere_and_from_the_address_of_its_owner(
    database: Database,
) -> None:
    failures = FailedSignIns(database, replace(NONE, failed_sign_ins=1, failed_sign_ins_per_account=2))
    here, there = (Attempt.of(ADA, Source(address)) for address in (HOME, AWAY))
    for attempt in (here, there):
        await failures.add(attempt)

    await failures.forget_account(here)

    assert await wait(failures.refuse_guessing(here)) == 0
    assert await wait(failures.refuse_guessing(there)) > 0
    assert await wait(failures.refuse_guessing(Attempt.of(ADA, Source("198.51.100.1")))) == 0


async def test_failed_passkeys_of_an_address_count_apart_from_passwords(
    database: Database, clock: Clock
) -> None:
    failures = FailedSignIns(database, replace(NONE, failed_sign_ins_per_address=2))
    for _ in range(2):
        await failures.add_passkey(HOME)

    assert await wait(failures.refuse_passkeys(HOME)) == WINDOW.total_seconds()
    assert await wait(failures.refuse_passkeys(AWAY)) == 0
    assert await wait(failures.refuse_guessing(Attempt.of(ADA, Source(HOME)))) == 0
    assert await database["failed_sign_ins"].count_documents({"_id": stored("passkeys", HOME)}) == 1
    clock.now += WINDOW
    assert await wait(failures.refuse_passkeys(HOME)) == 0


@pytest.mark.parametrize(
    ("limits", "free"),
    [
        (replace(NONE, mail_requests=1), [(ADA, AWAY), (BOB, HOME)]),
        (replace(NONE, mail_requests_per_address=1), [(ADA, AWAY), (BOB, AWAY)]),
        (replace(NONE, mail_requests_per_account=1), [(BOB, HOME), (BOB, AWAY)]),
    ],
)
async def test_requests_for_mail_count_by_address_by_account_and_by_both(
    database: Database, clock: Clock, limits: Limits, free: list[tuple[Email, str]]
) -> None:
    requests = MailRequests(database, limits)
    await requests.take(ADA, HOME)

    assert await wait(requests.take(ADA, HOME)) == HOUR.total_seconds()
    for email, address in free[:1]:
        assert await wait(requests.take(email, address)) == 0
    assert await wait(MailRequests(database, limits).take(ADA, HOME)) > 0
    clock.now += HOUR
    assert await wait(requests.take(ADA, HOME)) == 0


async def test_windows_of_requests_for_mail_have_the_stored_names_of_each_release(
    database: Database,
) -> None:
    await MailRequests(database, Limits(0, 0, 0, 0, 9, 9, 9)).take(ADA, HOME)

    names = {document["_id"] for document in await database["mail_requests"].find({})}
    assert names == {
        stored("address", HOME),
        stored("both", "ada@example.test", HOME),
        stored("account", "ada@example.test"),
    }


async def test_a_refused_request_for_mail_counts_under_no_limit(database: Database) -> None:
    requests = MailRequests(
        database, replace(NONE, mail_requests=2, mail_requests_per_address=3, mail_requests_per_account=1)
    )
    await requests.take(ADA, HOME)
    for _ in range(3):
        assert await wait(requests.take(ADA, HOME)) > 0

    # Two more of the address, of which the refused ones used up none.
    await requests.take(BOB, HOME)
    assert await wait(requests.take(Email.parse("eve@example.test"), HOME)) == 0


async def test_sign_ups_of_an_address_are_so_many_an_hour(database: Database, clock: Clock) -> None:
    sign_ups = SignUps(database, 2)
    await sign_ups.take(HOME)
    await sign_ups.take(HOME)

    with pytest.raises(TooManySignUps) as refusal:
        await sign_ups.take(HOME)
    assert refusal.value.headers["Retry-After"] == "3600"
    await sign_ups.take(AWAY)
    await sign_ups.give_back(HOME)
    await sign_ups.take(HOME)
    names = {document["_id"] for document in await database["sign_ups"].find({})}
    assert names == {stored(HOME), stored(AWAY)}
    clock.now += HOUR
    await sign_ups.take(HOME)
