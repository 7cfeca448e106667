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
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    DELETED = "deleted"


KINDS = frozenset(kind.value for kind in ChangeKind)
"""As stored. Others are left to the newer processes that know them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """to: E-mail address that the notice is mailed to. but: Session that goes on; None where each one ends.

    name: Of the passkey that was added or removed. language: Of the notice about a deletion.
    """

    id: str
    kind: ChangeKind
    to: str
    at: datetime
    but: str | None = None
    name: str = ""
    language: str = ""

    @classmethod
    def now(
        cls, kind: ChangeKind, to: str, *, but: str | None = None, name: str = "", language: str = ""
    ) -> Self:
        return cls(id=new_id(), kind=kind, to=to, at=times.now(), but=but, name=name, language=language)

    @property
    def stored(self) -> dict[str, Any]:
        return {**asdict(self), "kind": self.kind.value}

    @classmethod
    def restored(cls, document: Document) -> Self:
        """Ignores fields that a newer version added. The kind has to be one of KINDS."""
        kind = ChangeKind(document["kind"])
        return cls(
            id=document["id"],
            kind=kind,
            to=document["to"],
            at=document["at"],
            but=document.get("but"),
            name=document.get("name", ""),
            language=document.get("language", ""),
        )
