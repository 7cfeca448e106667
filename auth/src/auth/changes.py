"""Changes of an account whose consequences are still to follow: sessions to end, a mail to its owner.

A change is stored in the write that makes it, so that no crash leaves a new password beside old sessions.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from common.base import times
from common.base.ids import new_id
from common.persistence.mongo import Document


class ChangeKind(StrEnum):
    PASSWORD = "password"
    ADDRESS = "address"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """to: E-mail address that is told. but: Session that goes on; None where each one ends."""

    id: str
    kind: ChangeKind
    to: str
    at: datetime
    but: str | None = None

    @classmethod
    def now(cls, kind: ChangeKind, to: str, *, but: str | None = None) -> Self:
        return cls(id=new_id(), kind=kind, to=to, at=times.now(), but=but)

    @property
    def stored(self) -> dict[str, Any]:
        return {**asdict(self), "kind": self.kind.value}

    @classmethod
    def restored(cls, document: Document) -> Self:
        """Ignores fields that a newer version added."""
        kind = ChangeKind(document["kind"])
        at, but = document["at"], document.get("but")
        return cls(id=document["id"], kind=kind, to=document["to"], at=at, but=but)
