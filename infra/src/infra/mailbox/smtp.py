"""Takes mails over SMTP for every address but those at REFUSED, and sends none on."""

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.mailbox.store import Store

MAX_BYTES = 1_000_000
REFUSED = "refused.test"
"""Domain whose addresses are refused for good, so that one can see what follows."""


class Intake:
    """Handler of `aiosmtpd`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.rpartition("@")[2].lower() == REFUSED:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        self._store.add(content.encode() if isinstance(content, str) else content)
        return "250 OK"


def protocol(store: Store) -> SMTP:
    """Of one connection."""
    return SMTP(Intake(store), data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, hostname="localhost")
