"""Messages that no attempt could bring through: kept with the reason, never in the way of others."""

from common.stream import MESSAGE_ID, Delivery, Stream

REASON = "Gittix-Reason"
ATTEMPTS = "Gittix-Attempts"
QUEUE_GROUP = "Gittix-Queue-Group"
SEQUENCE = "Gittix-Sequence"
SUBJECT = "Gittix-Subject"


class DeadLetters:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def add(self, delivery: Delivery, queue_group: str, reason: str) -> None:
        """Copies the message to `dead.<queue group>.<its subject>`; the same message only once.

        Raises `errors.Unavailable` when the broker didn't confirm.
        """
        headers = dict(delivery.headers) | {
            MESSAGE_ID: f"dead:{queue_group}:{delivery.sequence}",
            REASON: _one_line(reason),
            ATTEMPTS: str(delivery.attempt),
            QUEUE_GROUP: queue_group,
            SEQUENCE: str(delivery.sequence),
            SUBJECT: delivery.subject,
        }
        await self._stream.publish(f"dead.{queue_group}.{delivery.subject}", delivery.data, headers)


def _one_line(text: str) -> str:
    """A header's value holds no line break, and has its bounds."""
    return " ".join(text.split())[:1000]
