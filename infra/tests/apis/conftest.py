from collections.abc import AsyncIterator

import pytest
from tests.apis.backends import Recorder, fake_apis, real_apis
from tests.apis.shop import Shop

from client import upstream
from common.testing.security import security_lines as security_lines


@pytest.fixture(params=["fake", "real"])
async def answers(request: pytest.FixtureRequest) -> AsyncIterator[Recorder]:
    if request.param == "fake":
        yield Recorder(fake_apis())
    else:
        async with real_apis() as transport:
            yield Recorder(transport)


@pytest.fixture
async def shop(answers: Recorder) -> AsyncIterator[Shop]:
    async with upstream.pool("http://edge.test", answers) as http:
        yield Shop(http, answers)
