"""The HTTP side of a service: its routes between the gate and the error renderer, and its health."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Lifespan

from common.http import health, rendering
from common.http.cross_site import ANY_SCHEME, Site
from common.http.head import HeadMiddleware
from common.http.middleware import API_HEADERS, HSTS, RequestMiddleware
from common.http.openapi import documents
from common.http.request_body import BodyLimit, BodyMiddleware
from common.http.security_log import NO_CODES, SecurityLog


def create_http_app(
    name: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan[Any],
    checks: Mapping[str, health.Check],
    *,
    site: Site = ANY_SCHEME,
    headers: Sequence[tuple[bytes, bytes]] = API_HEADERS,
    layers: Sequence[Callable[[ASGIApp], ASGIApp]] = (),
    security_log: SecurityLog = NO_CODES,
    body_limits: Sequence[BodyLimit] = (),
) -> FastAPI:
    """The app of one service.

    checks: Readiness checks of `/readyz`, by the name in its answer.
    site: The origin of the pages that may write. headers: Default headers of every answer; HSTS joins them
        where the site is reached by https.
    layers: ASGI middleware around the one of requests, inner first; they see its refusals, too.
    security_log: Knows the events of the service's own refusals.
    body_limits: Of routes whose bodies may be larger than those of others.
    """
    headers = (*headers, HSTS) if site.secure else headers
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
    app.openapi = documents(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    app.add_middleware(RequestMiddleware, site=site, headers=headers, security_log=security_log)
    app.state.headers = headers
    for layer in layers:
        app.add_middleware(layer)
    # The outermost two change what is sent: one ends the answer to a HEAD, the other holds an answer's
    # last part back until the body of the request is over.
    app.add_middleware(BodyMiddleware, limits=body_limits)
    app.add_middleware(HeadMiddleware)
    return app
