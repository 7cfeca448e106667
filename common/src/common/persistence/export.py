"""What a service stores about one user: declared field by field, read page by page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.base import times
from common.base.errors import BadRequest
from common.persistence.mongo import ASCENDING, Collection, Document, Query

PAGE = 100


@dataclass(frozen=True, slots=True)
class Section:
    """Records of one collection.

    of_user: Query for the records of a user; needs an index. fields: That are exported, with all that is in
    them: a new field is not, until it is named. secrets: Fields of which only the existence is exported.
    """

    documents: Collection
    of_user: Callable[[str], Query]
    fields: Sequence[str]
    secrets: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    records: Sequence[Mapping[str, Any]]
    following: str | None


class Exports:
    """Pages of at most PAGE records, section after section, by their ids: a later page is no slower."""

    def __init__(self, sections: Mapping[str, Section]) -> None:
        """sections: By the name that the file has for them."""
        self.sections = sections
        self._names = list(sections)

    async def page(self, user_id: str, cursor: str) -> Page:
        """cursor: "<section>:<last id>", or "" for the first page. Raises BadRequest for any other text."""
        name, _, after = cursor.partition(":") if cursor else (self._names[0], "", "")
        if name not in self.sections:
            raise BadRequest("Cursor is not one of ours", "cursor")
        section = self.sections[name]
        query: Query = {"$and": [section.of_user(user_id), {"_id": {"$gt": after}}]}
        shown = dict.fromkeys((*section.fields, *section.secrets), 1)
        found = await section.documents.find(query, shown, sort=[("_id", ASCENDING)], limit=PAGE)
        records = [{"collection": name, **_record(section, document)} for document in found]
        if len(found) == PAGE:
            return Page(records, f"{name}:{found[-1]['_id']}")
        later = self._names[self._names.index(name) + 1 :]
        return Page(records, f"{later[0]}:" if later else None)


def by(field: str) -> Callable[[str], Query]:
    """The records whose field has the user's id."""
    return lambda user_id: {field: user_id}


def _record(section: Section, document: Document) -> Mapping[str, Any]:
    fields = {field: document[field] for field in section.fields if field in document}
    secrets = {field: True for field in section.secrets if document.get(field) is not None}
    written: Mapping[str, Any] = _on_the_wire({"id": document["_id"], **fields, **secrets})
    return written


def _on_the_wire(value: Any) -> Any:
    match value:
        case datetime():
            return times.iso(value)
        case Mapping():
            return {_camel(name): _on_the_wire(each) for name, each in value.items()}
        case list():
            return [_on_the_wire(each) for each in value]
        case _:
            return value


def _camel(name: str) -> str:
    first, *others = name.lstrip("_").split("_")
    return first + "".join(map(str.capitalize, others))
