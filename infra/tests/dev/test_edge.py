import subprocess
from pathlib import Path

from infra.dev import edge
from infra.dev.config import from_env


def test_caddy_accepts_the_configuration(tmp_path: Path) -> None:
    config = from_env({"DATA_DIR": str(tmp_path)})
    command = edge.prepare(config)

    checked = subprocess.run(
        [command[0], "adapt", "--config", command[3], "--adapter", "caddyfile"],
        capture_output=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


def test_each_api_goes_to_its_service_and_the_rest_to_the_pages() -> None:
    config = from_env({"EDGE_PORT": "9000"})

    text = " ".join(edge.caddyfile(config).split())

    for name, service in (
        ("users", "auth"),
        ("tickets", "tickets"),
        ("orders", "orders"),
        ("payments", "payments"),
    ):
        port = config.ports[service]
        assert f"@{name} path /api/{name} /api/{name}/* handle @{name} {{ import service {port} }}" in text
    assert f"handle {{ import service {config.ports['client']} }}" in text


def test_pages_that_are_open_leave_the_other_connections_alone() -> None:
    text = edge.caddyfile(from_env({}))
    apart = text[text.index("(live)") : text.index("http://:")]

    assert "max_conns_per_host" not in apart
    # With `flush_interval -1`, Caddy would continue to read for browsers that have closed the connection.
    assert "flush_interval -1" not in apart.partition("{")[2]
    assert "import live" in text[text.index(edge.LIVE) :]


def test_probes_metrics_and_api_pages_are_hidden() -> None:
    hidden = next(line for line in edge.caddyfile(from_env({})).splitlines() if "@private path" in line)

    assert set(edge.PRIVATE) <= set(hidden.split())
