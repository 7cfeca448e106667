from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from common.persistence.mongo import Database
from common.testing.browser import JWT_PUBLIC_KEYS, running
from common.testing.fake_stream import FakeStream
from payments.app import create_app
from payments.context import Timing
from payments.settings import Settings
from tests.shop import Shop
from tests.steered import SteeredGateway

pytest_plugins = ["common.testing.fixtures"]

WEBHOOK_SECRET = "whsec_of_tests"
QUICK = Timing(
    wait=timedelta(milliseconds=400),
    poll=timedelta(milliseconds=5),
    grace=timedelta(0),
    lease=timedelta(seconds=60),
    first_pause=timedelta(0),
)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        mongo_uri="mongodb://unused",
        nats_url="nats://unused",
        jwt_public_keys=JWT_PUBLIC_KEYS,
        cookie_secure=False,
        payment_gateway="fake",
        stripe_webhook_secret=WEBHOOK_SECRET,
    )


@pytest.fixture
def timing() -> Timing:
    return QUICK


@pytest.fixture
def sweep_seconds() -> float:
    """Time between two sweeps of the service's own jobs: longer than any test, which sweeps by hand."""
    return 3600.0


@pytest.fixture
async def shop(
    settings: Settings,
    database: Database,
    stream: FakeStream,
    timing: Timing,
    sweep_seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Shop]:
    """Running service in memory, whose payment provider a test can steer."""
    monkeypatch.setattr("payments.sweep.SWEEP_SECONDS", sweep_seconds)
    gateway = SteeredGateway(database)
    app = create_app(settings, database=database, stream=stream, gateway=gateway, timing=timing)
    async with running(app) as client:
        yield Shop(client, app.state.context, stream)
