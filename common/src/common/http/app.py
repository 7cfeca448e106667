"""The HTTP side of a service: its routes between the gate and the error renderer, and its health."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import Lifespan

from common.http import health, rendering
from common.http.middleware import RequestMiddleware


def create_http_app(
    name: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan[Any],
    checks: Mapping[str, health.Check],
) -> FastAPI:
    """checks: Readiness checks of `/readyz`, by the name in its answer."""
    app = FastAPI(
        title=f"GitTix {name}",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        # Traces travel by common.base.tracing; asking at each request whether a provider is set costs 5 %.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for router in (*routers, health.router(checks)):
        # Not include_router: an included router is matched twice at every request.
        app.router.routes.extend(router.routes)
    rendering.install(app)
    app.add_middleware(RequestMiddleware)
    return app
