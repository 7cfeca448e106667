"""Edge of the two processes of each service: the runner's edge, and behind it one balancer for each service.

The balancer does what a Kubernetes Service does: a process that is about to stop gets no new requests, and a
connection that is refused is tried at the other process. A file named as the process marks one that leaves.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.dev import edge
from infra.dev.config import Config

_COMMON = """
(balanced) {
	lb_policy round_robin
	lb_try_duration 8s
	lb_try_interval 50ms
	fail_duration 500ms
	transport http {
		dial_timeout 2s
		keepalive 3s
		compression off
	}
}
"""

_SITE = """
http://:{port} {{
	bind 127.0.0.1
	@first-leaves file {{
		root {leaving}
		try_files {first}
	}}
	@second-leaves file {{
		root {leaving}
		try_files {second}
	}}
	handle @first-leaves {{
		reverse_proxy {second_address} {{
			import balanced
		}}
	}}
	handle @second-leaves {{
		reverse_proxy {first_address} {{
			import balanced
		}}
	}}
	handle {{
		reverse_proxy {first_address} {second_address} {{
			import balanced
		}}
	}}
	handle_errors {{
		header Content-Type application/json
		respond `{{"errors":[{{"code":"unavailable","message":"Service unavailable"}}]}}` 503
	}}
}}
"""


def prepare(config: Config, pairs: Mapping[str, Sequence[tuple[str, int]]]) -> list[str]:
    """Write the edge's configuration; returns the command that serves it.

    `pairs`: name and port of the two processes of each service.
    """
    command = edge.prepare(config)
    folder = leaving(config)
    folder.mkdir(parents=True, exist_ok=True)
    sites = (_site(config.ports[service], folder, pair) for service, pair in pairs.items())
    with (config.data_dir / "edge" / "Caddyfile").open("a") as file:
        file.write(_COMMON + "".join(sites))
    return command


def leaving(config: Config) -> Path:
    """Folder of the marks of processes that leave."""
    return config.data_dir / "edge" / "leaving"


def _site(port: int, folder: Path, pair: Sequence[tuple[str, int]]) -> str:
    (first, first_port), (second, second_port) = pair
    return _SITE.format(
        port=port,
        leaving=folder,
        first=first,
        second=second,
        first_address=f"127.0.0.1:{first_port}",
        second_address=f"127.0.0.1:{second_port}",
    )
