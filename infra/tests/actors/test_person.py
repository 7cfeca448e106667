from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.actors.api import Api
from infra.actors.person import Person, Refused


class Users:
    """Fake of the users' API: an address can be signed up once."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        email, password = body["email"], body["password"]
        known = self.passwords.get(email)
        if request.path.endswith("/signin"):
            status = 200 if known == password else 400
        else:
            status = 400 if known else 201
            self.passwords.setdefault(email, password)
        response = web.json_response({"id": f"id of {email}"}, status=status)
        if status < 300:
            response.set_cookie("session", email)
        return response


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    app = web.Application()
    app.router.add_post("/{any:.*}", Users().answer)
    async with TestServer(app) as server, Api(str(server.make_url("")), connections=1) as api:
        yield api


async def test_a_new_user_has_an_id_and_the_session_cookie(api: Api) -> None:
    person = await Person.sign_up(api, "a@b.test")

    assert (person.id, person.email) == ("id of a@b.test", "a@b.test")
    assert person.headers["Cookie"].startswith("session=")


async def test_an_address_that_is_taken_is_refused(api: Api) -> None:
    await Person.sign_up(api, "a@b.test")

    with pytest.raises(Refused, match="400"):
        await Person.sign_up(api, "a@b.test")


async def test_entering_signs_up_once_and_then_in(api: Api) -> None:
    first = await Person.enter(api, "a@b.test", "a password")
    again = await Person.enter(api, "a@b.test", "a password")

    assert (first.id, api.requests) == (again.id, 3)
