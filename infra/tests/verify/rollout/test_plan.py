from itertools import chain

import pytest

from infra.verify.rollout.fleet import KINDS, MEMBERS, kind_of
from infra.verify.rollout.plan import restarts


@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_a_walk_replaces_every_process_once_and_kills_a_quarter_of_them(at_once: int) -> None:
    for seed in range(50):
        planned = list(chain(*restarts(seed, 0, at_once)))
        assert sorted(restart.member for restart in planned) == sorted(MEMBERS)
        assert sum(restart.kill for restart in planned) in (3, 4)


@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_one_process_of_each_kind_always_serves(at_once: int) -> None:
    for seed in range(50):
        for group in restarts(seed, 1, at_once):
            kinds = [kind_of(restart.member) for restart in group]
            assert 1 <= len(group) <= at_once
            assert len(set(kinds)) == len(kinds)
            assert len({restart.kill for restart in group}) == 1


def test_the_versions_of_each_kind_mix_before_any_kind_is_done() -> None:
    for seed in range(50):
        members = [restart.member for group in restarts(seed, 2) for restart in group]
        assert {kind_of(member) for member in members[: len(KINDS)]} == set(KINDS)


def test_the_same_seed_gives_the_same_walk_and_each_walk_another_order() -> None:
    assert list(restarts(7, 0)) == list(restarts(7, 0))
    assert list(restarts(7, 0)) != list(restarts(7, 1))
