"""Aggregate: a record that changes through named methods, each of which records one event."""

from dataclasses import dataclass, field
from typing import Self

from common.messaging.events import Event

UNSAVED = -1


@dataclass(kw_only=True)
class Aggregate:
    """`version` is that of the stored record: -1 before the first save, 0 once created."""

    id: str
    version: int = UNSAVED
    _event: Event | None = field(default=None, repr=False, compare=False)

    @property
    def next_version(self) -> int:
        """The version that the change in hand will have."""
        return self.version + 1

    def record(self, event: Event) -> Self:
        """Records the event of the change. One change a save: a version is one event."""
        if self._event is not None:
            raise RuntimeError(f"{type(self).__name__} {self.id} has an unsaved change already")
        self._event = event
        return self

    @property
    def recorded(self) -> Event | None:
        return self._event

    def saved(self) -> None:
        """Called by the repository once the change is stored."""
        self.version += 1
        self._event = None
