"""Where the real servers of the tests marked `connected` are."""

import os

import pytest


def server(variable: str) -> str:
    """The address that `variable` holds; without it the test fails, by saying how to run it."""
    url = os.environ.get(variable)
    if url is None:
        pytest.fail(f"{variable} is not set: run this marker by `make test`")
    return url
