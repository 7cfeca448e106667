"""Caddyfile of the only port that a browser uses, with the routes of the Kubernetes ingress."""

import sysconfig
from dataclasses import dataclass
from pathlib import Path

from infra.dev.config import Config, private

ROUTES = (("users", "auth"), ("tickets", "tickets"), ("orders", "orders"), ("payments", "payments"))
PRIVATE = ("/healthz", "/readyz", "/metrics", "/docs", "/redoc", "/openapi.json")

# Connections to one service. Further requests wait here for a free connection: cheaper than thousands of
# sockets.
CONNECTIONS = 128
LIVE = "^/tickets/[^/]+/live$"
"""Path of the responses that stay open while the page is open."""
SLOW_SECONDS = 10
"""Longest time for the headers of a request, and for all of it. An answer may take longer."""
WAIT_SECONDS = 8
"""Longest wait for a service that restarts."""
MAX_BODY = "1MB"
FILE = "^/(api/)?tickets/[^/]+/file$"
"""Path of a listing's file, and of the form that adds it."""
MAX_FILE = "6MB"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEADERS = {
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of the edge's own refusals."""

_CADDYFILE = """\
{{
	admin off
	auto_https off
	persist_config off
	skip_install_trust
	grace_period 5s
	log {{
		level ERROR
		format console
	}}
	servers {{
		protocols h1
		timeouts {{
			read_header {slow}s
			read_body {slow}s
			# Caddy's own limit for pauses lifts the one above when it refuses a body, and waits for the rest.
			read_body_idle -1s
		}}
	}}
}}

# Shared by every route. A request waits while its service restarts: when the connection was refused nothing
# can have been received, so any method is sent again; after that only GET is. Idle connections end here (3 s)
# before uvicorn ends them (75 s): a POST that met a closing connection could not be repeated. A body is
# complete before its request takes a connection, so slow senders leave the connections to the others.
(service) {{
	reverse_proxy 127.0.0.1:{{args[0]}} {{
		request_buffers {body}
		lb_try_duration {patience}s
		lb_try_interval 200ms
		transport http {{
			dial_timeout 2s
			keepalive 3s
			keepalive_idle_conns_per_host {connections}
			max_conns_per_host {connections}
			compression off
		}}
	}}
}}

# If open pages used the connections above, 128 pages would leave none for other requests. Caddy forwards a
# text/event-stream at once, and ends it when the browser disconnects. `flush_interval -1` prevents that end.
(live) {{
	reverse_proxy 127.0.0.1:{{args[0]}} {{
		transport http {{
			dial_timeout 2s
			compression off
		}}
	}}
}}

http://:{port} {{
	bind 127.0.0.1
	header -Server
	@file path_regexp {file}
	request_body @file {{
		max_size {file_body}
	}}
	@other not path_regexp {file}
	request_body @other {{
		max_size {body}
	}}

	# Caddy's word for a body that did not arrive: the client has left, or the time is over.
	intercept {{
		@late status 499
		handle_response @late {{
			error 408
		}}
	}}

	route {{
		@method not method {methods}
		handle @method {{
			error 405
		}}
		@target vars_regexp {{http.request.uri}} [^!-~]
		handle @target {{
			error 400
		}}
		@private path {private}
		handle @private {{
			error 404
		}}
{routes}
		@live path_regexp {live}
		handle @live {{
			import live {client}
		}}

		handle {{
			import service {client}
		}}
	}}

	handle_errors {{
		header {{
			-Server
{headers}
		}}
{refusals}
	}}
}}
"""

_ROUTE = """
		@{name} path /api/{name} /api/{name}/*
		handle @{name} {{
			import service {port}
		}}
"""

_REFUSAL = """
		@refusal{number} expression `{when}`
		handle @refusal{number} {{
			{header}
			respond `{{"errors":[{{"code":"{code}","message":"{message}"}}]}}` {status}
		}}
"""


@dataclass(frozen=True)
class Refusal:
    """Refusal by the edge itself. `header` is the directive of a header that not all of them have."""

    when: str
    status: int
    code: str
    message: str
    header: str = "header Connection close"


# Go's errors of a body in chunks. Caddy takes them for errors of the service.
_MALFORMED_BODY = '{err.message}.matches("chunk|header line too long|MIME header")'
REFUSALS = (
    Refusal(_MALFORMED_BODY, 400, "bad-request", "The body is malformed"),
    Refusal("{err.status_code} == 404", 404, "not-found", "Not found", ""),
    Refusal(
        "{err.status_code} == 405",
        405,
        "method-not-allowed",
        "Method not allowed",
        f'header Allow "{", ".join(METHODS)}"',
    ),
    Refusal("{err.status_code} == 408", 408, "request-timeout", "The request took too long to arrive"),
    Refusal("{err.status_code} == 413", 413, "body-too-large", "Body too large"),
    Refusal("{err.status_code} < 500", 400, "bad-request", "The request is no HTTP that can be read"),
    Refusal("true", 503, "unavailable", "Service unavailable", "header Retry-After 5"),
)
"""The first one whose `when` holds is sent."""


def caddyfile(config: Config) -> str:
    routes = "".join(_ROUTE.format(name=name, port=config.ports[service]) for name, service in ROUTES)
    return _CADDYFILE.format(
        port=config.ports["edge"],
        client=config.ports["client"],
        connections=CONNECTIONS,
        slow=SLOW_SECONDS,
        patience=WAIT_SECONDS,
        body=MAX_BODY,
        file=FILE,
        file_body=MAX_FILE,
        methods=" ".join(METHODS),
        live=LIVE,
        private=" ".join(f"{path} {path}/*" for path in PRIVATE),
        routes=routes,
        headers="\n".join(f'\t\t\t{name} "{value}"' for name, value in HEADERS.items()),
        refusals="".join(
            _REFUSAL.format(number=number, **vars(refusal)) for number, refusal in enumerate(REFUSALS)
        ),
    )


def prepare(config: Config) -> list[str]:
    """Write the configuration; returns the command that serves it."""
    path = private(config.data_dir / "edge") / "Caddyfile"
    path.write_text(caddyfile(config))
    caddy = Path(sysconfig.get_path("scripts")) / "caddy"
    return [str(caddy), "run", "--config", str(path), "--adapter", "caddyfile"]


def own_environment(config: Config) -> dict[str, str]:
    """Environment of Caddy: its files outside the home folder, and rare garbage collection.

    Memory is cheaper here than CPU.
    """
    folder = str(config.data_dir / "edge")
    return {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "GOGC": "400"}
