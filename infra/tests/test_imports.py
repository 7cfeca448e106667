"""A process without a database does not load the driver, and saves its memory and load time."""

import json
import subprocess
import sys

import pytest

DRIVER = {"bson", "motor", "pymongo", "common.persistence.mongo"}


def loaded(*modules: str) -> set[str]:
    """Modules of the driver that a process has loaded after an import of `modules`."""
    code = f"import json, sys, {', '.join(modules)}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return DRIVER & set(json.loads(done.stdout))


@pytest.mark.parametrize("service", ["client", "expiration"])
def test_a_service_without_a_database_loads_no_driver(service: str) -> None:
    assert loaded(f"{service}.app", f"{service}.settings", f"{service}.__main__") == set()


def test_a_service_with_a_database_loads_it() -> None:
    assert loaded("tickets.app") == DRIVER
