"""An app for `test_server.py`, run as a process of its own: `python -m tests.slow_app PORT`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse

from common.http.app import create_http_app
from common.runtime.server import serve
from common.runtime.settings import ServiceSettings


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield
    sys.stderr.write("stopped in order\n")


router = APIRouter()
stopping = asyncio.Event()


@router.put("/slow")
async def slow() -> dict[str, str]:
    sys.stderr.write("under way\n")
    sys.stderr.flush()
    # Ends after the stop has begun. uvicorn looks every 0.1 s whether all answers have ended.
    await stopping.wait()
    await asyncio.sleep(0.15)
    return {"finished": "yes"}


@router.get("/endless")
async def endless() -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        yield "begun\n"
        await stopping.wait()
        yield "ended\n"

    return StreamingResponse(parts())


if __name__ == "__main__":
    app = create_http_app("slow", [router], lifespan, {})
    serve("slow", app, ServiceSettings(host="127.0.0.1", port=int(sys.argv[1])), stopping.set)
