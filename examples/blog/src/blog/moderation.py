"""Moderation service: publishes one opinion on each comment. All others work while it is down."""

import time
from dataclasses import dataclass, field

from fastapi import FastAPI

from blog.events import CommentCreated, CommentModerated, Event, Opinion, Status, publisher
from blog.service import Broker, create_service, replay, routes
from blog.settings import ModerationSettings


@dataclass
class Moderation:
    """waiting: Comments without an opinion, with their arrival time (seconds, monotonic), by comment id."""

    waiting: dict[str, tuple[float, CommentCreated]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def apply(self, event: Event) -> None:
        match event:
            case CommentCreated() if event.id not in self.done:
                self.waiting.setdefault(event.id, (time.monotonic(), event))
            case CommentModerated():
                self.done.add(event.id)
                self.waiting.pop(event.id, None)


def judge(content: str, blocked: list[str]) -> Opinion:
    folded = content.casefold()
    return Status.REJECTED if any(word in folded for word in blocked) else Status.APPROVED


def create_app(broker: Broker, settings: ModerationSettings) -> FastAPI:
    moderation = Moderation()
    moderated = publisher(CommentModerated, "moderation", broker.stream)
    blocked = [word.strip().casefold() for word in settings.blocked_words.split(",") if word.strip()]

    async def settle() -> None:
        """Publishes the opinions that are due.

        Two processes may find the same comment waiting: the store stores one opinion, by its id.
        """
        due = time.monotonic() - settings.moderation_seconds
        for came, comment in moderation.waiting.values():
            if came <= due:
                status = judge(comment.content, blocked)
                await moderated.publish(CommentModerated(**comment.model_dump() | {"status": status}))

    subscription = replay(broker, [CommentCreated, CommentModerated], moderation.apply, settle)
    return create_service("moderation", routes(subscription), broker, subscription)
