"""The waiting line: its order, its bound, and places that are given up."""

import pytest

from auth.errors import Busy
from auth.fair_line import FairLine


async def test_addresses_have_their_turns_one_after_another() -> None:
    line = FairLine(10)
    first, second, other = line.join("a"), line.join("a"), line.join("b")

    assert [line.next() for _ in range(4)] == [first, other, second, None]


async def test_a_place_that_was_cancelled_is_passed_over() -> None:
    line = FairLine(10)
    gone, next_one = line.join("a"), line.join("a")
    gone.cancel()

    assert line.next() is next_one


async def test_a_place_that_is_given_up_makes_room_and_the_others_stay() -> None:
    line = FairLine(2)
    gone, stays = line.join("a"), line.join("a")
    line.leave("a", gone)
    last = line.join("a")
    with pytest.raises(Busy):
        line.join("a")

    assert [line.next() for _ in range(3)] == [stays, last, None]


async def test_a_place_that_was_served_or_never_there_is_given_up_in_vain() -> None:
    line = FairLine(2)
    served, stays = line.join("a"), line.join("a")
    assert line.next() is served

    line.leave("a", served)
    line.leave("b", served)

    assert line.next() is stays


async def test_a_full_line_displaces_only_from_an_address_that_keeps_as_many() -> None:
    line = FairLine(3)
    for _ in range(3):
        last = line.join("a")
    line.join("b")
    assert isinstance(last.exception(), Busy)

    with pytest.raises(Busy):
        line.join("b")


async def test_a_line_that_was_full_and_is_empty_has_all_its_places_again() -> None:
    line = FairLine(3)
    for address in ("a", "a", "a", "b"):
        line.join(address).add_done_callback(lambda place: place.exception())
    while line.next():
        pass

    for _ in range(3):
        line.join("a")
    with pytest.raises(Busy):
        line.join("a")
