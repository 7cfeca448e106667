"""The event store, seen from outside: what happened, and one more event from whoever has curl."""

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
    """`sequence` is its place in the store, to go on `?after=` it; `at` is when it was stored."""

    sequence: int
    type: str
    data: dict[str, Any]
    at: Moment


def _shown(stored: Stored) -> EventOutput | None:
    """None for what is no event."""
    if (event := read(stored)) is None:
        return None
    data = event.model_dump(mode="json", by_alias=True)
    return EventOutput(sequence=stored.sequence, type=event.subject.value, data=data, at=stored.at)


def create_app(broker: Broker) -> FastAPI:
    router = APIRouter()
    publishers = {name: publisher(kind, "curl", broker.stream) for name, kind in EVENTS.items()}

    async def behind(place: int) -> Sequence[Stored]:
        """What stands there, at most 1,000; nothing at the end."""
        async with aclosing(broker.stream.history(BLOG.published, place)) as batches:
            async for batch in batches:
                return batch
        return ()

    @router.get("/events")
    async def index(
        response: Response, after: Annotated[int, Query(ge=0, le=2**53)] = 0
    ) -> list[EventOutput]:
        """At most 1,000, oldest first; what comes behind them in a `Link: rel="next"` header."""
        if batch := await behind(after):
            response.headers["Link"] = f'</events?after={batch[-1].sequence}>; rel="next"'
        return list(filter(None, map(_shown, batch)))

    @router.post("/events", status_code=201)
    async def publish(body: Annotated[EventInput, json_body(EventInput)]) -> EventOutput:
        """The event as it is stored. The same one again, within two minutes, is the first one."""
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
