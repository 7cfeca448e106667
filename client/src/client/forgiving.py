"""Lists whose address may hold nonsense: the page leaves out what the API refuses, and shows the rest."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from client.schemas import Listing
from common.base.errors import BadRequest, ErrorEntry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """One page of a list. asked: The parameters that it follows. refused: Entries for the others."""

    found: Listing[T]
    asked: Mapping[str, str]
    refused: Sequence[ErrorEntry]


async def answered(
    ask: Callable[[Mapping[str, str]], Awaitable[Listing[T]]], query: Mapping[str, str]
) -> Answered[T]:
    """Asks without the parameters that the API refuses: one request more each time it refuses some.

    Raises BadRequest for a refusal that names no parameter of `query`.
    """
    asked, refused = dict(query), list[ErrorEntry]()
    while True:
        try:
            return Answered(await ask(asked), asked, refused)
        except BadRequest as error:
            bad = [entry for entry in error.entries if entry.field in asked]
            if not bad:
                raise
            refused += bad
            for entry in bad:
                asked.pop(entry.field or "", None)
