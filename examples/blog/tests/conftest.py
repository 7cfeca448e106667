"""Blog of the connected tests: on this machine, or the one that `blog.run.cluster` deployed."""

import os
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from blog.run.blog import Blog
from blog.run.cluster import BLOG, reached
from blog.run.laptop import apart, running
from tests.edge import Edge

pytest_plugins = ["common.testing.fixtures"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_blog(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Blog]:
    on_cluster = os.environ.get("EDGE_HOST") == BLOG.host
    folder = str(tmp_path_factory.mktemp("blog"))
    async with reached() if on_cluster else running(apart(folder), sys.stderr) as blog:
        yield blog


@pytest_asyncio.fixture(loop_scope="session")
async def blog(running_blog: Blog) -> AsyncIterator[Blog]:
    """The blog that all tests share. Restarts the processes that a failed test left stopped."""
    yield running_blog
    await running_blog.whole()


@pytest_asyncio.fixture(loop_scope="session")
async def edge(blog: Blog) -> AsyncIterator[Edge]:
    edge = Edge(blog)
    yield edge
    await edge.close()
