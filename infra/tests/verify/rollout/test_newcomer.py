"""Each check of the new things can fail."""

from collections import Counter
from collections.abc import Mapping

import pytest
from tests.verify.reconcile.states import FREE, World, broken

from infra.verify.reconcile.report import Report
from infra.verify.rollout import newcomer
from infra.verify.rollout.newcomer import ANSWERED, FIELD, LOST, TWICE, USED, Effects, News


def compared(news: News, found: Effects) -> set[str]:
    report = Report()
    newcomer.compare(news, found, report)
    return set(broken(report)) - {USED}


@pytest.mark.parametrize(
    ("answered", "owned", "published", "counted", "wrong"),
    [
        (2, 2, 2, 2, set()),
        # Its answer was lost, the view was not.
        (1, 2, 2, 2, set()),
        (2, 2, 2, 1, {LOST}),
        (2, 2, 2, 3, {TWICE}),
        (2, 1, 1, 1, {ANSWERED}),
        (2, 2, 1, 1, {ANSWERED}),
        (0, 0, 0, 1, {TWICE}),
    ],
)
def test_views_are_compared(answered: int, owned: int, published: int, counted: int, wrong: set[str]) -> None:
    news = News(views=Counter(a=answered))
    assert compared(news, Effects({"a": published}, {"a": owned}, {"a": counted})) == wrong


def test_a_leg_in_which_the_new_things_were_not_used_proves_nothing() -> None:
    used, unused = Report(), Report()
    newcomer.compare(News(Counter(a=1), {"a": "Gate 1"}, 1), Effects({"a": 1}, {"a": 1}, {"a": 1}), used)
    newcomer.compare(News(), Effects({}, {}, {}), unused)

    assert used.is_clean
    assert len(unused.findings[USED].shown) == 3


def test_lost_effects_are_counted_per_event_and_not_offset_by_others() -> None:
    assert Effects({"a": 3, "b": 1}, {}, {"a": 1, "b": 2}).lost == 2


@pytest.mark.parametrize(("stored", "lost"), [({"gate": "Gate 1"}, 0), ({"gate": None}, 1), ({}, 1)])
async def test_the_new_field_is_compared_with_the_answer(stored: Mapping[str, str], lost: int) -> None:
    world, report = World(), Report()
    await world.fill()
    await world.books.tickets["tickets"].update_one({"_id": FREE}, {"$set": {"details": dict(stored)}})

    assert await newcomer.check_gates(world.books, News(gates={FREE: "Gate 1"}), report) == lost
    assert set(broken(report)) == ({FIELD} if lost else set())


async def test_the_new_field_leaves_both_copies_before_the_comparison_of_replicas() -> None:
    world = World()
    await world.fill()
    for database in (world.books.tickets, world.books.orders):
        await database["tickets"].update_one({"_id": FREE}, {"$set": {"details": {"gate": "1", "seat": "2"}}})

    await newcomer.forget_gates(world.books)

    for database in (world.books.tickets, world.books.orders):
        found = await database["tickets"].find_one({"_id": FREE})
        assert found is not None
        assert found["details"] == {"seat": "2"}
