"""Hostile input to every service: the security log stays lines of its own few fields, without a secret."""

import json
from itertools import product
from typing import get_type_hints
from urllib.parse import quote

import pytest
from starlette.routing import Route
from tests.apis.backends import services

from common.base.security import Fields, SecurityEvent
from common.testing.browser import a_user, running, signed_in
from common.testing.fake_stream import FakeStream
from common.testing.hostile import BODIES, JSON, LITERALS, NUMERIC_STRINGS, PATH_IDS
from common.testing.security import SecurityLines

SECRET = "S3cretOfTheTest"
NAMES = ("email", "password", "title", "price", "ticketId", "orderId", "token", "stripe-signature")
OWN = {"time", "level", "service", "logger", "message", "event", "request_id"}
MAX_LINE = 600
"""Bytes of a line: nothing of a body or a path is in it."""
SESSION = signed_in(a_user())


def hostile_bodies() -> list[bytes]:
    with_secrets = [dict.fromkeys(NAMES, SECRET), {SECRET: SECRET}, {name: [SECRET] for name in NAMES}]
    fields = [f'{{"{name}": {text}}}' for name, text in product(NAMES[:6], (*LITERALS, *NUMERIC_STRINGS))]
    return [*BODIES, *(json.dumps(body).encode() for body in with_secrets), *(f.encode() for f in fields)]


def requests_to(path: str, method: str) -> list[tuple[str, dict[str, str], bytes]]:
    """Address, headers and body of each."""
    ids = (*PATH_IDS, SECRET, quote("\r\n{}"))
    addresses = [path] if "{" not in path else [f"{path.partition('{')[0]}{one}" for one in ids]
    headers = (
        {**JSON, "Stripe-Signature": f"t=1,v1={SECRET}"},
        {**JSON, **SESSION},
        {**JSON, "Cookie": f"session={SECRET}", "X-Request-Id": f"{SECRET}\t", "Sec-Fetch-Site": SECRET},
        {**JSON, "Cookie": f"session={SECRET}", "X-Client-Address": SECRET, "Authorization": SECRET},
    )
    bodies = hostile_bodies() if method in {"POST", "PUT"} else [b""]
    few = bodies if len(addresses) == 1 else bodies[:3]
    return list(product((f"{one}?token={SECRET}" for one in addresses), headers, few))


@pytest.mark.parametrize("path", services(FakeStream()))
async def test_no_input_gets_into_the_security_log(path: str, security_lines: SecurityLines) -> None:
    app = services(FakeStream())[path]
    async with running(app) as caller:
        for route in (route for route in app.routes if isinstance(route, Route)):
            for method in route.methods or ():
                for address, headers, body in requests_to(route.path, method):
                    answer = await caller.request(method, address, headers=headers, content=body)
                    assert answer.status_code < 500

    assert security_lines.events
    assert set(security_lines.events) <= set(SecurityEvent)
    for text, line in zip(security_lines.texts, security_lines.lines, strict=True):
        assert SECRET not in text
        assert len(text) < MAX_LINE
        assert set(line) <= OWN | set(get_type_hints(Fields))
