from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import NatsServer

pytest_plugins = ["common.testing.fixtures"]


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A server of the test's own, not started yet: to be killed at will."""
    server = NatsServer(tmp_path)
    yield server
    server.kill()
