"""The event store, seen from outside: what happened, and one more event from whoever has curl."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Response
from pydantic import ValidationError

from blog.events import EVENTS, STREAM_SUBJECTS, publisher, read
from blog.service import Broker, create_service
from common import times
from common.errors import BadRequest
from common.http.body import Input, Output, json_body
from common.http.rendering import invalid
from common.times import Moment

PAGE = 1000


class EventInput(Input):
    type: str
    data: dict[str, Any]


class EventOutput(Output):
    """`sequence` is its place in the store, to go on `?after=` it."""

    sequence: int
    type: str
    data: dict[str, Any]
    at: Moment


def create_app(broker: Broker) -> FastAPI:
    router = APIRouter(tags=["events"])

    @router.get("/events")
    async def index(
        response: Response, after: Annotated[int, Query(ge=0, le=2**53)] = 0
    ) -> list[EventOutput]:
        """At most 1,000, oldest first; the next ones in a `Link: rel="next"` header."""
        found: list[EventOutput] = []
        async for batch in broker.stream.history(STREAM_SUBJECTS, after):
            for stored in batch[:PAGE]:
                after = stored.sequence
                if (event := read(stored)) is not None:
                    data = event.model_dump(mode="json", by_alias=True)
                    found.append(
                        EventOutput(sequence=after, type=event.subject.value, data=data, at=stored.at)
                    )
            response.headers["Link"] = f'</events?after={after}>; rel="next"'
            break
        return found

    @router.post("/events", status_code=201)
    async def publish(body: Annotated[EventInput, json_body(EventInput)]) -> EventOutput:
        """Returns once it is stored. The same event again, within two minutes, is stored once."""
        known = EVENTS.get(body.type)
        if known is None:
            raise BadRequest(f"Type must be one of {', '.join(EVENTS)}", "type")
        try:
            event = known.model_validate(body.data)
        except ValidationError as error:
            raise invalid(error.errors(include_url=False)) from None
        await publisher(known, "curl", broker.stream).publish(event)
        data = event.model_dump(mode="json", by_alias=True)
        return EventOutput(sequence=0, type=body.type, data=data, at=times.now())

    return create_service("events", router, broker, [], lambda _event: None)
