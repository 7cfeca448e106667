"""`python -m blog SERVICE`: one of the five services, or the page."""

import sys
from collections.abc import Callable

from fastapi import FastAPI

from blog import comments, moderation, page, posts, query, store
from blog.service import Broker
from blog.settings import ModerationSettings, PageSettings, Settings
from common.runtime.server import serve
from common.runtime.settings import ServiceSettings, load

Created = tuple[FastAPI, ServiceSettings]


def _plain(name: str, create: Callable[[Broker], FastAPI]) -> Created:
    settings = load(Settings)
    return create(Broker.at(settings, name)), settings


def _moderation() -> Created:
    settings = load(ModerationSettings)
    return moderation.create_app(Broker.at(settings, "moderation"), settings), settings


def _client() -> Created:
    settings = load(PageSettings)
    return page.create_app(settings), settings


SERVICES: dict[str, Callable[[], Created]] = {
    "posts": lambda: _plain("posts", posts.create_app),
    "comments": lambda: _plain("comments", comments.create_app),
    "query": lambda: _plain("query", query.create_app),
    "events": lambda: _plain("events", store.create_app),
    "moderation": _moderation,
    "client": _client,
}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SERVICES:
        raise SystemExit(f"python -m blog {'|'.join(SERVICES)}")
    serve(sys.argv[1], *SERVICES[sys.argv[1]]())
