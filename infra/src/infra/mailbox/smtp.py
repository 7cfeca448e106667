"""Takes mails over SMTP for every address, and sends none on."""

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.mailbox.store import Store

MAX_BYTES = 1_000_000


class Intake:
    """Handler of `aiosmtpd`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        self._store.add(content.encode() if isinstance(content, str) else content)
        return "250 OK"


def protocol(store: Store) -> SMTP:
    """Of one connection."""
    return SMTP(Intake(store), data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, hostname="localhost")
