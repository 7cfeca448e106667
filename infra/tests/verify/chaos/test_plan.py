from collections import Counter

import pytest

from infra.verify.chaos.plan import PAUSE_SECONDS, PROCESSES, Kind, schedule


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert schedule(7, 60) == schedule(7, 60)
    assert schedule(7, 60) != schedule(8, 60)


@pytest.mark.parametrize(("duration", "least"), [(60, 12), (300, 60)])
def test_there_are_enough_faults_and_each_process_meets_one(duration: float, least: int) -> None:
    for seed in range(50):
        faults = schedule(seed, duration)
        assert len(faults) >= least
        assert {fault.process for fault in faults} == set(PROCESSES)
        assert all(0 < fault.at < duration for fault in faults)
        assert list(faults) == sorted(faults, key=lambda fault: fault.at)


def test_in_a_long_run_each_process_meets_every_kind() -> None:
    for seed in range(50):
        met = Counter((fault.process, fault.kind) for fault in schedule(seed, 300))
        assert set(met) == {(process, kind) for process in PROCESSES for kind in Kind}


def test_only_a_pause_lasts() -> None:
    for fault in schedule(1, 300):
        if fault.kind is Kind.PAUSE:
            assert PAUSE_SECONDS[0] <= fault.lasts <= PAUSE_SECONDS[1]
        else:
            assert fault.lasts == 0
