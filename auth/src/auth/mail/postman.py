"""Delivery of one message after another over one connection to the mail server.

Undelivered
├── Unreachable       no server takes mails now, whoever they are for
└── Refused           this message, for now: too busy, a full mailbox, a lost connection
    └── Bounced       this address, for good: there is no such mailbox
"""

import asyncio
import re
from contextlib import suppress
from email.message import EmailMessage

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from auth.mail.server import MailServer

STEP_SECONDS = 20.0
"""For the connection, and for each command."""
MAIL_SECONDS = 60.0
"""For a whole mail, its connection included."""
NO_SUCH_MAILBOX = (550, 551, 553)
"""Replies that refuse an address for good (RFC 5321, 4.2.3), unless an enhanced code names another reason."""
_ENHANCED = re.compile(r"\s*5\.(?P<subject>\d{1,3})\.\d{1,3}\b")


class Undelivered(Exception):
    """The reason is the server's own words."""


class Unreachable(Undelivered):
    pass


class Refused(Undelivered):
    pass


class Bounced(Refused):
    pass


class Postman:
    """One connection, kept open between mails. Not for concurrent use."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._connection: SMTP | None = None

    async def reach(self) -> None:
        """Connects, unless the connection is still good. Raises Unreachable."""
        await self._connected()

    async def deliver(self, message: EmailMessage) -> None:
        """Returns once the server has taken the message. Follows `reach`.

        Raises Unreachable, Refused or Bounced.

        Where the answer is lost, the message may have been taken: Refused.
        """
        connection = self._connection or await self._connected()
        try:
            async with asyncio.timeout(MAIL_SECONDS - STEP_SECONDS):
                await connection.send_message(message)
        except SMTPRecipientsRefused as error:
            raise _of_recipient(error.recipients[0]) from error
        except SMTPSenderRefused as error:
            await self.close()
            raise Unreachable(str(error)) from error
        except (SMTPException, OSError, TimeoutError) as error:
            # The state of the connection is unknown: the next mail gets a new one.
            await self.close()
            raise Refused(repr(error)) from error

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def quit(self) -> None:
        """Closes the connection as the protocol asks."""
        if self._connection is not None:
            with suppress(SMTPException, OSError, TimeoutError):
                await self._connection.quit(timeout=1)
        await self.close()

    async def _connected(self) -> SMTP:
        """The connection, a new one where the server closed the last. Raises Unreachable."""
        if self._connection is not None:
            try:
                await self._connection.noop()
                return self._connection
            except (SMTPException, OSError, TimeoutError):
                await self.close()
        connection = self._new_connection()
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await connection.connect()
        except (SMTPException, OSError, TimeoutError) as error:
            connection.close()
            raise Unreachable(repr(error)) from error
        self._connection = connection
        return connection

    def _new_connection(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=True if server.must_upgrade else None if not server.tls else False,
            # Its default asks the name server, which blocks.
            local_hostname="localhost",
            timeout=STEP_SECONDS,
        )


def _of_recipient(error: SMTPRecipientRefused) -> Undelivered:
    reason = f"{error.code} {error.message}"
    return Bounced(reason) if _is_for_good(error) else Refused(reason)


def _is_for_good(error: SMTPResponseException) -> bool:
    """Whether the address is the reason, not the server's policy: X.1 addresses, X.2 mailboxes (RFC 3463).

    A server that is set up wrongly refuses every address by a policy ("relay access denied", X.7).
    """
    enhanced = _ENHANCED.match(error.message)
    if error.code < 500:
        return False
    return enhanced["subject"] in ("1", "2") if enhanced else error.code in NO_SUCH_MAILBOX
