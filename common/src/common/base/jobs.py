"""Metric of background jobs: the time of each job's last success, for an alert on a job that stands still."""

from prometheus_client import Gauge

_LAST_SUCCESS = Gauge(
    "job_last_success_timestamp_seconds", "Unix time of a background job's last success", ["job"]
)


def succeeded(job: str) -> None:
    """Records that a run of the job succeeded now.

    job: Name of the job, such as "overdue_orders".
    """
    _LAST_SUCCESS.labels(job).set_to_current_time()
