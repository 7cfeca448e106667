"""A process without a database doesn't pay for its driver: neither its memory nor its time to load."""

import json
import subprocess
import sys

import pytest

DRIVER = {"bson", "motor", "pymongo", "common.persistence.mongo"}


def loaded(*modules: str) -> set[str]:
    """The parts of the driver that a process has loaded with `modules`."""
    code = f"import json, sys, {', '.join(modules)}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return DRIVER & set(json.loads(done.stdout))


@pytest.mark.parametrize("service", ["client", "expiration"])
def test_a_service_without_a_database_loads_no_driver(service: str) -> None:
    assert loaded(f"{service}.app", f"{service}.settings", f"{service}.__main__") == set()


def test_a_service_with_a_database_loads_it() -> None:
    assert loaded("tickets.app") == DRIVER
