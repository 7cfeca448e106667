"""Making a replica set, with made-up answers of one member; infra/tests/dev has it with servers."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from common.base.errors import DatabaseError, Unavailable
from common.persistence import replica_set
from common.persistence.replica_set import administered, initiate, main
from common.persistence.users import as_member

MEMBERS = ("a:1", "b:2", "c:3")
ALONE: Mapping[str, Any] = {"ok": 1}
"""Answer of a server that is in no set yet."""
ELECTING: Mapping[str, Any] = {"setName": "rs0"}
READY: Mapping[str, Any] = {"setName": "rs0", "primary": "b:2"}
CONFIGURATION = {
    "_id": "rs0",
    "members": [{"_id": 0, "host": "a:1"}, {"_id": 1, "host": "b:2"}, {"_id": 2, "host": "c:3"}],
    "settings": {"electionTimeoutMillis": 5_000},
}


class FakeMember:
    """`answers`: To each `hello`, in order; an error is raised. `refusals`: Of the next `replSetInitiate`."""

    def __init__(self) -> None:
        self.address = ("", "")
        self.answers: list[Mapping[str, Any] | Exception] = []
        self.refusals: list[Exception] = []
        self.initiated: list[object] = []
        self.closed = 0

    def connect(self, uri: str, name: str) -> "FakeMember":
        self.address = (uri, name)
        return self

    async def command(self, command: object) -> Mapping[str, Any]:
        if command == "hello":
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.initiated.append(command)
        if self.refusals:
            raise self.refusals.pop(0)
        return {"ok": 1}

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def member(monkeypatch: pytest.MonkeyPatch) -> FakeMember:
    member = FakeMember()
    monkeypatch.setattr(replica_set, "connect", member.connect)
    return member


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def quick(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", quick)
    return pauses


def test_a_member_is_addressed_alone_with_its_key_and_options(member: FakeMember) -> None:
    administered("a:1", "key", "tls=true")
    with_all = member.address
    administered("a:1")

    assert with_all == (as_member("mongodb://a:1/?directConnection=true&tls=true", "key"), "admin")
    assert member.address == ("mongodb://a:1/?directConnection=true", "admin")


async def test_servers_without_a_set_are_made_one_and_its_primary_returned(
    member: FakeMember, pauses: list[float]
) -> None:
    member.answers = [ALONE, READY]

    assert await initiate(MEMBERS, "key", "tls=true") == "b:2"
    assert member.initiated == [{"replSetInitiate": CONFIGURATION}]
    assert member.address == (as_member("mongodb://a:1/?directConnection=true&tls=true", "key"), "admin")
    assert (member.closed, pauses) == (1, [])


async def test_a_set_that_exists_is_left_as_it_is(member: FakeMember, pauses: list[float]) -> None:
    member.answers = [ELECTING, READY]

    assert await initiate(MEMBERS) == "b:2"
    assert member.address == ("mongodb://a:1/?directConnection=true", "admin")
    assert member.initiated == []
    assert pauses == [0.1]


async def test_members_that_are_still_starting_are_waited_for(
    member: FakeMember, pauses: list[float]
) -> None:
    starting = [Unavailable("no server")] * 4
    member.answers = [*starting, ALONE, ALONE, READY]
    member.refusals = [DatabaseError("a member does not answer", 74)]

    assert await initiate(MEMBERS) == "b:2"
    assert len(member.initiated) == 2
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6]


async def test_pauses_between_looks_stay_below_two_seconds(member: FakeMember, pauses: list[float]) -> None:
    member.answers = [*[ELECTING] * 8, READY]

    await initiate(MEMBERS)

    assert pauses[-3:] == [2.0] * 3


async def test_the_connection_is_closed_after_an_unknown_error(member: FakeMember) -> None:
    member.answers = [RuntimeError("unknown")]

    with pytest.raises(RuntimeError):
        await initiate(MEMBERS)
    assert member.closed == 1


@pytest.mark.parametrize(
    ("env", "uri"),
    [
        ({}, "mongodb://a:1/?directConnection=true"),
        (
            {"MONGO_KEY": "key", "MONGO_OPTIONS": "tls=true"},
            as_member("mongodb://a:1/?directConnection=true&tls=true", "key"),
        ),
    ],
)
def test_the_command_makes_a_set_of_the_members_that_it_gets(
    member: FakeMember,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    env: Mapping[str, str],
    uri: str,
) -> None:
    for name in ("MONGO_KEY", "MONGO_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["replica_set", *MEMBERS])
    member.answers = [ALONE, READY]

    main()

    assert member.address[0] == uri
    assert member.initiated == [{"replSetInitiate": CONFIGURATION}]
    assert capsys.readouterr().out == "primary b:2 of a:1, b:2, c:3\n"
