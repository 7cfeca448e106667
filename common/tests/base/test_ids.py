import subprocess
import sys
from datetime import UTC, datetime
from itertools import count

import pytest

from common.base import ids, times
from common.base.ids import is_id, made_at, new_id


def test_ids_are_24_hexadecimal_digits_and_grow() -> None:
    made = [new_id() for _ in range(1000)]

    assert all(is_id(one) for one in made)
    assert len(set(made)) == 1000
    assert made == sorted(made)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "null", "a" * 23, "a" * 25, "g" * 24, "A" * 24, "a" * 24 + "\n", "\u0661" * 24),
        *(" " + "a" * 23, "a" * 23 + "\x00", "x" * 100_000),
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert not is_id(text)


def test_an_id_has_its_time_its_process_and_its_count(monkeypatch: pytest.MonkeyPatch) -> None:
    process = ids._Process()
    first, second = process.new_id(), process.new_id()
    assert first[8:18] == second[8:18] != new_id()[8:18]
    assert int(second[18:], 16) == (int(first[18:], 16) + 1) % 2**24

    monkeypatch.setattr("common.base.ids.time.time", lambda: 0x65F0_0001 + 0.9)
    assert process.new_id()[:8] == "65f00001"


def test_the_counter_wraps_around() -> None:
    process = ids._Process()
    process._counter = count(0xFFFFFF)

    assert [process.new_id()[18:] for _ in range(3)] == ["ffffff", "000000", "000001"]


def test_an_id_tells_when_it_was_made() -> None:
    assert made_at("65f00001" + "a" * 16) == datetime(2024, 3, 12, 7, 10, 57, tzinfo=UTC)
    before = times.now().replace(microsecond=0)
    assert before <= made_at(new_id()) <= times.now()


FORK = """
import os
from common.base.ids import new_id

first = new_id()
if os.fork() == 0:
    print(new_id(), flush=True)
    os._exit(0)
os.wait()
print(first, new_id())
"""


def test_a_forked_process_makes_other_ids() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)

    child, first, second = done.stdout.split()
    assert first[8:18] == second[8:18] != child[8:18]
