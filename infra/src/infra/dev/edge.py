"""Caddyfile of the only port that a browser uses, with the routes of the Kubernetes ingress."""

import sysconfig
from pathlib import Path

from infra.dev.config import Config

ROUTES = (("users", "auth"), ("tickets", "tickets"), ("orders", "orders"), ("payments", "payments"))
PRIVATE = ("/healthz", "/readyz", "/metrics", "/docs", "/redoc", "/openapi.json")

# Connections to one service. Further requests wait here for a free connection: cheaper than thousands of
# sockets.
CONNECTIONS = 128
LIVE = "^/tickets/[^/]+/live$"
"""Path of the responses that stay open while the page is open."""

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
	}}
}}

# Shared by every route. A request waits while its service restarts: when the connection was refused nothing
# can have been received, so any method is sent again; after that only GET is. Idle connections end here (3 s)
# before uvicorn ends them (75 s): a POST that met a closing connection could not be repeated.
(service) {{
	reverse_proxy 127.0.0.1:{{args[0]}} {{
		lb_try_duration 8s
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
	request_body {{
		max_size 1MB
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

	handle_errors {{
		header -Server
		header Content-Type application/json
		@missing expression `{{err.status_code}} == 404`
		respond @missing `{{"errors":[{{"code":"not-found","message":"Not found"}}]}}` 404
		@large expression `{{err.status_code}} == 413`
		respond @large `{{"errors":[{{"code":"body-too-large","message":"Body too large"}}]}}` 413
		@down expression `{{err.status_code}} >= 500`
		respond @down `{{"errors":[{{"code":"unavailable","message":"Service unavailable"}}]}}` 503
		respond `{{"errors":[{{"code":"bad-request","message":"{{err.status_text}}"}}]}}` {{err.status_code}}
	}}
}}
"""

_ROUTE = """
	@{name} path /api/{name} /api/{name}/*
	handle @{name} {{
		import service {port}
	}}
"""


def caddyfile(config: Config) -> str:
    routes = "".join(_ROUTE.format(name=name, port=config.ports[service]) for name, service in ROUTES)
    return _CADDYFILE.format(
        port=config.ports["edge"],
        client=config.ports["client"],
        connections=CONNECTIONS,
        live=LIVE,
        private=" ".join(f"{path} {path}/*" for path in PRIVATE),
        routes=routes,
    )


def prepare(config: Config) -> list[str]:
    """Write the configuration; returns the command that serves it."""
    folder = config.data_dir / "edge"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "Caddyfile"
    path.write_text(caddyfile(config))
    caddy = Path(sysconfig.get_path("scripts")) / "caddy"
    return [str(caddy), "run", "--config", str(path), "--adapter", "caddyfile"]


def own_environment(config: Config) -> dict[str, str]:
    """Environment of Caddy: its files outside the home folder, and rare garbage collection.

    Memory is cheaper here than CPU.
    """
    folder = str(config.data_dir / "edge")
    return {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "GOGC": "400"}
