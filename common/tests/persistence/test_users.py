"""Users of the databases without a server: addresses, commands to the server, and the command line."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from common.base.errors import DatabaseError, Unavailable
from common.persistence import users
from common.persistence.users import as_member, grant, main, wait_and_grant, with_credentials

URI = "mongodb://orders:p%2Fw@db:27017/orders?replicaSet=rs0"
COMPLETE = {"MONGO_URI": URI, "MONGO_KEY": "key"}


class FakeServer:
    """Database of which each command is recorded. `refusals`: Errors of the next commands, in order."""

    def __init__(self, *refusals: Exception) -> None:
        self.name = ""
        self.uri = ""
        self.refusals = list(refusals)
        self.commands: list[Mapping[str, Any]] = []
        self.closed = 0

    def connect(self, uri: str, name: str) -> "FakeServer":
        self.uri, self.name = uri, name
        return self

    async def command(self, command: Mapping[str, Any]) -> None:
        self.commands.append(command)
        if self.refusals:
            raise self.refusals.pop(0)

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server = FakeServer()
    monkeypatch.setattr(users, "connect", server.connect)
    return server


def refusal(code: int) -> DatabaseError:
    return DatabaseError("refused", code)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://a,b/shop?w=majority", "mongodb://or%2Fders:p%40ss%2F@a,b/shop?w=majority"),
        ("mongodb://a", "mongodb://or%2Fders:p%40ss%2F@a/"),
        ("mongodb://own:secret@a/shop?w=1", "mongodb://own:secret@a/shop?w=1"),
    ],
)
def test_an_address_gets_the_user_unless_it_has_one(uri: str, expected: str) -> None:
    assert with_credentials(uri, "or/ders", "p@ss/") == expected


def test_the_database_that_holds_the_user_is_an_option_of_the_address() -> None:
    address = with_credentials("mongodb://a/shop?w=1&authSource=shop", "u", "p", source="admin")

    assert address == "mongodb://u:p@a/shop?w=1&authSource=admin&authMechanism=SCRAM-SHA-256"


def test_a_member_of_the_set_takes_the_place_of_the_user() -> None:
    address = as_member("mongodb://orders:pw@a,b/orders?w=1", "k/ey")

    assert address == (
        "mongodb://__system:k%2Fey@a,b/orders?w=1&authSource=local&authMechanism=SCRAM-SHA-256"
    )
    assert as_member("mongodb://orders:pw@a,b/orders", "") == "mongodb://orders:pw@a,b/orders"


async def test_a_user_that_exists_gets_its_password_and_the_rights_to_its_own_database(
    server: FakeServer,
) -> None:
    await grant(URI, "key")

    (command,) = server.commands
    assert command == {
        "updateUser": "orders",
        "pwd": "p/w",
        "roles": [{"role": "readWrite", "db": "orders"}],
        "mechanisms": ["SCRAM-SHA-256"],
    }
    assert server.uri == as_member(URI, "key")
    assert server.closed == 1


async def test_a_user_that_is_missing_is_made(server: FakeServer) -> None:
    server.refusals = [refusal(users.USER_NOT_FOUND)]

    await grant(URI, "key")

    update, create = server.commands
    assert {**create, "updateUser": create["createUser"]} == {**update, "createUser": "orders"}


async def test_a_user_that_another_process_made_meanwhile_is_no_error(server: FakeServer) -> None:
    server.refusals = [refusal(users.USER_NOT_FOUND), refusal(users.USER_EXISTS)]

    await grant(URI, "key")

    assert len(server.commands) == 2


@pytest.mark.parametrize("codes", [(18,), (users.USER_EXISTS,), (users.USER_NOT_FOUND, 13)])
async def test_another_refusal_is_raised_and_the_connection_closed(
    server: FakeServer, codes: tuple[int, ...]
) -> None:
    server.refusals = [refusal(code) for code in codes]

    with pytest.raises(DatabaseError) as raised:
        await grant(URI, "key")

    assert raised.value.code == codes[-1]
    assert server.closed == 1


async def test_a_grant_is_tried_again_until_there_is_a_primary(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def quick(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", quick)
    server.refusals = [Unavailable("no primary")] * 2

    await wait_and_grant(URI, "key")

    assert [command["updateUser"] for command in server.commands] == ["orders"] * 3
    assert server.uri == as_member(URI, "key")
    assert pauses == [users.PAUSE_SECONDS] * 2


def test_the_command_makes_the_user_that_the_environment_names(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(COMPLETE) == 0
    assert server.uri == as_member(URI, "key")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("env", "line"),
    [
        ({"SETTINGS_HINT": "See .env."}, "Cannot start: set MONGO_URI, MONGO_KEY. See .env.\n"),
        ({**COMPLETE, "MONGO_KEY": ""}, "Cannot start: set MONGO_KEY. \n"),
        (
            {**COMPLETE, "MONGO_URI": "mongodb://db/orders"},
            "Cannot start: set MONGO_URI (without a user and its password)\n",
        ),
    ],
)
def test_the_command_names_variables_that_are_missing(
    server: FakeServer, capsys: pytest.CaptureFixture[str], env: Mapping[str, str], line: str
) -> None:
    assert main(env) == 1
    assert capsys.readouterr().err == line
    assert server.commands == []


def test_the_command_writes_one_line_for_a_refusal(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refusals = [refusal(18)]

    assert main(COMPLETE) == 1
    assert capsys.readouterr().err == "The database refused to make its user: refused\n"
