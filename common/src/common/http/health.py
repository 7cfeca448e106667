"""`/healthz`: the process lives. `/readyz`: what it depends on answers. `/metrics`: Prometheus' format."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from common.base.errors import NOT_READY, ErrorEntry
from common.http.rendering import JSON, error_response

Check: TypeAlias = Callable[[], Awaitable[bool]]


def router(checks: Mapping[str, Check]) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> Response:
        return Response(orjson.dumps({"status": "alive"}), media_type=JSON)

    @routes.get("/readyz")
    async def readyz() -> Response:
        answers = await asyncio.gather(*(check() for check in checks.values()))
        down = [name for name, answer in zip(checks, answers, strict=True) if not answer]
        if down:
            return error_response(503, [ErrorEntry(f"{name} is not ready", NOT_READY) for name in down])
        return Response(orjson.dumps({"status": "ready"}), media_type=JSON)

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes
