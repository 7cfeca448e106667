"""The time of a job's last success is a metric."""

import time

from prometheus_client import REGISTRY

from common.base import jobs


def last_success(job: str) -> float | None:
    return REGISTRY.get_sample_value("job_last_success_timestamp_seconds", {"job": job})


def test_a_success_is_recorded_with_its_time_for_its_job_alone() -> None:
    before = time.time()

    jobs.succeeded("swept")

    swept = last_success("swept")
    assert swept is not None
    assert before <= swept <= time.time()
    assert last_success("never_swept") is None
