import json
from pathlib import Path

import pytest

from infra.verify.reconcile import addresses
from infra.verify.reconcile.addresses import Addresses, NotFound

DATABASES = {name: f"mongodb://there/{name}" for name in ("tickets", "orders", "payments")}


def test_the_system_that_runs_is_found_by_its_record(tmp_path: Path) -> None:
    urls = {f"mongo_{name}": uri for name, uri in DATABASES.items()} | {"nats": "n", "redis": "r"}
    (tmp_path / "run.json").write_text(json.dumps({"urls": urls}))
    found = Addresses(DATABASES, "r", "n")
    assert addresses.find({}, {"DATA_DIR": str(tmp_path)}) == found
    assert addresses.find({}, {"RUN_JSON": str(tmp_path / "run.json")}) == found


def test_none_is_started(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No system runs here"):
        addresses.find({}, {"DATA_DIR": str(tmp_path)})


def test_databases_may_be_named_instead() -> None:
    env = {"TICKETS_MONGO_URI": "t", "ORDERS_MONGO_URI": "o", "NATS_URL": "n"}
    found = addresses.find({"payments": "p"}, env)
    assert found == Addresses({"tickets": "t", "orders": "o", "payments": "p"}, None, "n")


def test_a_database_that_is_not_named_is_asked_for() -> None:
    with pytest.raises(NotFound, match="ORDERS_MONGO_URI, PAYMENTS_MONGO_URI must be named too"):
        addresses.find({"tickets": "t"}, {})
