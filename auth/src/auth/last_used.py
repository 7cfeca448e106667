"""How often the use of a session is written: rarely, and by each process for itself."""

from time import monotonic

NOTE_EVERY_SECONDS = 600.0
MAX_SESSIONS = 50_000
"""Sessions that a process remembers. After that it forgets all: each is written once more."""


class LastUsed:
    """When this process last wrote the use of a session."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def is_due(self, session_id: str) -> bool:
        noted = self._noted.get(session_id)
        return noted is None or monotonic() - noted >= NOTE_EVERY_SECONDS

    def noted(self, session_id: str) -> None:
        if len(self._noted) >= MAX_SESSIONS:
            self._noted.clear()
        self._noted[session_id] = monotonic()
