"""Notes for the security log, made while a request is answered.

Refusals are noted where they are rendered. Handlers note only what no refusal says, such as a sign-in that
succeeded.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Unpack

from common.base.errors import AppError
from common.base.security import Fields, SecurityEvent

_KEY = "common.security"


@dataclass(slots=True)
class Notes:
    """What is known of one request.

    private: Its route is for users alone, or its record for some of them: a 404 of it is a denial.
    about: Fields of each of its lines.
    """

    refusal: AppError | None = None
    private: bool = False
    about: Fields = field(default_factory=Fields)
    events: dict[SecurityEvent, None] = field(default_factory=dict)


def notes(scope: MutableMapping[str, Any]) -> Notes:
    """The notes of the request; begins them."""
    known = known_of(scope)
    if known is None:
        scope[_KEY] = known = Notes()
    return known


def note(scope: MutableMapping[str, Any], event: SecurityEvent) -> None:
    """Has the event written once the request is over; once, however often it is noted."""
    notes(scope).events[event] = None


def about(scope: MutableMapping[str, Any], **fields: Unpack[Fields]) -> None:
    """Fields of each line of this request."""
    notes(scope).about.update(fields)


def known_of(scope: Mapping[str, Any]) -> Notes | None:
    """None for most requests."""
    known: Notes | None = scope.get(_KEY)
    return known
