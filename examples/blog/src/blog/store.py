"""HTTP API of the event store: lists the stored events, and publishes an event that a user sends by curl."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Response
from pydantic import ValidationError

from blog.events import BLOG, EVENTS, publisher, read
from blog.service import Broker, create_service
from common.base.errors import BadRequest
from common.base.times import Moment
from common.http.body import Input, Output, json_body
from common.http.rendering import invalid
from common.messaging.stream import Stored


class EventInput(Input):
    type: str
    data: dict[str, Any]


class EventOutput(Output):
    """sequence: Position in the store, for `?after=`. at: Time of storage."""

    sequence: int
    type: str
    data: dict[str, Any]
    at: Moment


def _shown(stored: Stored) -> EventOutput | None:
    """The event for the response; None for an unreadable message."""
    if (event := read(stored)) is None:
        return None
    data = event.model_dump(mode="json", by_alias=True)
    return EventOutput(sequence=stored.sequence, type=event.subject.value, data=data, at=stored.at)


def create_app(broker: Broker) -> FastAPI:
    router = APIRouter()
    publishers = {name: publisher(kind, "curl", broker.stream) for name, kind in EVENTS.items()}

    async def behind(place: int) -> Sequence[Stored]:
        """At most 1,000 messages after position `place`; an empty sequence at the end."""
        async with aclosing(broker.stream.history(BLOG.published, place)) as batches:
            async for batch in batches:
                return batch
        return ()

    @router.get("/events")
    async def index(
        response: Response, after: Annotated[int, Query(ge=0, le=2**53)] = 0
    ) -> list[EventOutput]:
        """At most 1,000 events, oldest first. A header `Link: rel="next"` leads to the next ones."""
        if batch := await behind(after):
            response.headers["Link"] = f'</events?after={batch[-1].sequence}>; rel="next"'
        return list(filter(None, map(_shown, batch)))

    @router.post("/events", status_code=201)
    async def publish(body: Annotated[EventInput, json_body(EventInput)]) -> EventOutput:
        """Stores an event and returns it. The same event again within two minutes returns the first one."""
        kind = EVENTS.get(body.type)
        if kind is None:
            raise BadRequest(f"Type must be one of {', '.join(EVENTS)}", "type")
        try:
            event = kind.model_validate(body.data)
        except ValidationError as error:
            raise invalid(error.errors(include_url=False)) from None
        sequence = await publishers[body.type].publish(event)
        return next(filter(None, map(_shown, await behind(sequence - 1))))

    return create_service("events", router, broker)
