"""The services' OpenAPI documents tell the truth: requests made from them, good and bad, on real sockets."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from tests.apis.backends import services

from common.runtime.server import Server, server_config
from common.runtime.settings import ProxySettings, ServiceSettings
from common.testing.browser import a_user, signed_in
from common.testing.fake_stream import FakeStream

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
EXAMPLES = 10
"""Requests for each operation, signed in and signed out."""


class _Served:
    """Servers of the apps in a thread of their own. `urls`: The address of each, by its path."""

    def __init__(self, apps: dict[str, FastAPI]) -> None:
        listening = {path: socket.create_server(("127.0.0.1", 0)) for path in apps}
        self.urls = {path: f"http://127.0.0.1:{one.getsockname()[1]}" for path, one in listening.items()}
        self._servers = {
            Server(server_config(app, ServiceSettings(), ProxySettings()), lambda: None): listening[path]
            for path, app in apps.items()
        }
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()

    async def _serve(self) -> None:
        await asyncio.gather(*(server.serve(sockets=[one]) for server, one in self._servers.items()))

    def stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join()


APPS = services(FakeStream())


@pytest.fixture(scope="module")
def served() -> Iterator[_Served]:
    running = _Served(APPS)
    yield running
    running.stop()


def _operations() -> Iterator[Any]:
    for path, app in APPS.items():
        for found in schemathesis.openapi.from_dict(app.openapi()).get_all_operations():
            if not isinstance(found, Ok):
                raise found.err()
            yield pytest.param(path, found.ok(), id=found.ok().label)


@pytest.mark.parametrize("path", APPS)
def test_every_other_method_is_told_the_documented_ones(served: _Served, path: str) -> None:
    with httpx.Client(base_url=served.urls[path]) as client:
        for template, operations in APPS[path].openapi()["paths"].items():
            if template.endswith(
                ("/summary", "/passkeys/options", "/tickets/export", "/orders/export", "/orders/sales")
            ):
                # The route of one ticket, order or passkey takes its last part for an id.
                continue
            documented = {method.upper() for method in operations}
            allowed = documented | ({"HEAD"} if "GET" in documented else set())
            for method in METHODS - allowed:
                answer = client.request(method, template.replace("{", "").replace("}", ""))
                assert answer.status_code == 405, f"{method} {template}"
                assert set(answer.headers["allow"].split(", ")) == allowed, template


@pytest.mark.parametrize(("path", "operation"), list(_operations()))
def test_an_operation_answers_as_its_document_says(served: _Served, path: str, operation: Any) -> None:
    headers = signed_in(a_user())
    good, bad = (operation.as_strategy(mode) for mode in GenerationMode)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=one_of(good, bad))
    def check(case: Case[Any]) -> None:
        for known in ({}, headers):
            case.call_and_validate(base_url=served.urls[path], headers=known, checks=list(CHECKS))

    check()
