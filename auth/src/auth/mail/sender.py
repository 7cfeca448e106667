"""Sends the outbox of mails, in every process of the service.

Each lane has a connection of its own, and takes one due mail after another. A mail that the server refuses
for now waits alone, longer each time. While no server answers, a lane waits, and takes no mail. A crash
between delivery and mark sends a mail again, with the same Message-ID.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from prometheus_client import Counter, Gauge

from auth.mail.addresses import NotAnAddress
from auth.mail.letters import Letters
from auth.mail.mails import Ended, Mail, Mails
from auth.mail.postman import Bounced, Postman, Refused, Unreachable
from common.base import jobs, times
from common.base.errors import DatabaseError, Unavailable
from common.base.logs import Repetitions

log = logging.getLogger(__name__)

_WAITING = Gauge("mails_waiting", "Mails that are not sent yet")
_OLDEST = Gauge("mails_oldest_seconds", "Age of the mail that is due first")
_ENDED = Counter("mails_ended", "Mails that left the outbox", ["how"])
_REFUSALS = Counter("mails_refused", "Deliveries that the mail server refused for now")

_RANDOM = random.Random()
"""Not the process's own, whose numbers a test may want to repeat."""

LANES = 4
POLL_SECONDS = 5.0
"""Between looks at the outbox for what other processes left; a mail put in this process wakes its sender."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
LONGEST_AWAY_SECONDS = 60.0
PATIENCE = timedelta(days=5)
"""A mail that is refused again so long after it was put is given up (RFC 5321, 4.5.4.1)."""


class Addressees(Protocol):
    """The users, as `repository.UserRepository`."""

    async def note_bounce(self, user_id: str, address: str) -> None: ...

    async def note_delivery(self, user_id: str, address: str) -> None: ...


class Sender:
    """A `service.Worker`. postmen: One for each lane."""

    def __init__(
        self, mails: Mails, addressees: Addressees, letters: Letters, postmen: Sequence[Postman]
    ) -> None:
        self._mails = mails
        self._addressees = addressees
        self._letters = letters
        self._lanes = [_Lane(self, postman) for postman in postmen]
        mails.on_put = self._wake

    def _wake(self) -> None:
        for lane in self._lanes:
            lane.woken.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.run())
            group.create_task(self._show())

    async def drained(self) -> None:
        """Returns when the mails in delivery at the end of `run` are sent and marked."""
        await asyncio.gather(*(lane.drained() for lane in self._lanes))

    async def due(self) -> Sequence[str]:
        return await self._mails.due()

    async def send(self, mail_id: str, postman: Postman) -> None:
        """Sends a mail, unless another process has it. Raises Unreachable, and leaves the mail due."""
        # Before the lease: while no server answers, a process that is killed leaves no mail leased.
        await postman.reach()
        mail = await self._mails.lease(mail_id)
        if mail is None:
            return
        try:
            await postman.deliver(self._letters.compose(mail))
        except NotAnAddress:
            log.error("mail to no address", extra={"mail": mail.id})
            await self._end(mail, Ended.GIVEN_UP)
        except Unreachable:
            await self._mails.postpone(mail, timedelta(0), refused=False)
            raise
        except Bounced as error:
            log.warning("address refused for good", extra={"user_id": mail.user_id, "error": _about(error)})
            await self._addressees.note_bounce(mail.user_id, mail.to)
            await self._end(mail, Ended.BOUNCED)
        except Refused as error:
            await self._refused(mail, error)
        else:
            await self._end(mail, Ended.SENT)
            await self._addressees.note_delivery(mail.user_id, mail.to)

    async def _refused(self, mail: Mail, error: Refused) -> None:
        _REFUSALS.inc()
        about = {"mail": mail.id, "attempts": mail.attempts + 1, "error": _about(error)}
        if times.now() - mail.at > PATIENCE:
            log.error("mail given up", extra=about)
            await self._end(mail, Ended.GIVEN_UP)
        else:
            log.warning("mail refused for now", extra=about)
            await self._mails.postpone(mail, pause(mail.attempts), refused=True)

    async def _end(self, mail: Mail, how: Ended) -> None:
        await self._mails.end(mail, how)
        _ENDED.labels(how.value).inc()

    async def _show(self) -> None:
        while True:
            try:
                count, oldest = await self._mails.waiting()
                _WAITING.set(count)
                _OLDEST.set(0 if oldest is None else (times.now() - oldest).total_seconds())
            except (DatabaseError, Unavailable):
                pass  # the lanes log it
            await asyncio.sleep(POLL_SECONDS)


class _Lane:
    def __init__(self, sender: Sender, postman: Postman) -> None:
        self.woken = asyncio.Event()
        self._sender = sender
        self._postman = postman
        self._away = Repetitions()
        self._failures = Repetitions()
        self._sending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            self.woken.clear()
            try:
                found = await self._round()
                self._failures.over()
            except (DatabaseError, Unavailable) as error:
                found = 0
                if self._failures.is_due():
                    log.warning("mails not read", extra={"error": repr(error)})
            except Unreachable as error:
                if self._away.is_due():
                    log.warning("mail server out of reach", extra={"error": _about(error)})
                await asyncio.sleep(away_seconds(self._away.count))
                continue
            if not found:
                await self._idle()

    async def _round(self) -> int:
        """Sends what is due now; returns how many were due. In any order: lanes rarely meet at a mail."""
        due = list(await self._sender.due())
        _RANDOM.shuffle(due)
        for mail_id in due:
            # A task of its own: the end of the process lets the mail in delivery be delivered and marked.
            self._sending = asyncio.create_task(self._send(mail_id))
            await asyncio.shield(self._sending)
        jobs.succeeded("mails")
        return len(due)

    async def _send(self, mail_id: str) -> None:
        try:
            await self._sender.send(mail_id, self._postman)
            self._away.over()
        except (DatabaseError, Unavailable, Unreachable):
            raise
        except Exception:
            # A fault of ours, or a document that this version can't read. Its lease keeps it from others'
            # way, and a later version may send it.
            log.exception("mail can't be sent", extra={"mail": mail_id})

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self.woken.wait()
        except TimeoutError:
            pass

    async def drained(self) -> None:
        if self._sending is not None:
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._postman.quit()


def pause(attempts: int) -> timedelta:
    """Before the next attempt of a mail refused `attempts` times before: 5 s, 15 s, 45 s … 15 min."""
    factor: int = 3 ** min(attempts, 10)
    return min(FIRST_PAUSE * factor, LONGEST_PAUSE)


def away_seconds(failures: int) -> float:
    """Before the next try to reach the server: half a second to a minute, spread at random."""
    longest: float = min(2.0 ** min(failures, 10), LONGEST_AWAY_SECONDS)
    return _RANDOM.uniform(longest / 2, longest)


def _about(error: Exception) -> str:
    return str(error)[:200]
