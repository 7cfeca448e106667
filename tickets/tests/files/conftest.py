import pytest

from tests.builders import Market
from tests.files.builders import FileApi


@pytest.fixture
def files(market: Market) -> FileApi:
    return FileApi(market)
