"""Bytes that no record names are removed; keys are wrapped by the present first key."""

from datetime import timedelta

import pytest

from common.base.ids import new_id
from common.persistence.mongo import Database
from tests.builders import BARCODE_KEY, FILES_KEY, InProcess, Market
from tests.files.builders import FileApi, png
from tickets.files import sweep
from tickets.files.commands import Files
from tickets.files.repository import FileRecords
from tickets.files.sealing import BarcodeHashes, FileKeys
from tickets.files.store import Objects
from tickets.files.sweep import Sweep
from tickets.publishers import publishers
from tickets.repository import Repositories

NEW = "the key that wraps the keys of files tomorrow"


@pytest.fixture
def objects(tmp_path: object) -> Objects:
    return Objects(f"file://{tmp_path}/files")


async def names(objects: Objects) -> set[str]:
    return {listed.name async for page in objects.pages() for listed in page}


async def test_only_old_bytes_that_no_ticket_names_are_removed(
    market: Market, database: Database, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await market.a_ticket()
    files = _files(market, database, objects)
    kept = (await files.put(market.seller, ticket["id"], "a.png", png("a-barcode"))).object
    orphans = {f"{ticket['id']}/left", f"{new_id()}/left"}
    for name in (*orphans, "another-program/file"):
        await objects.put(name, b"x")
    removing = Sweep(FileRecords(database), objects, files.keys)

    assert await removing.remove_orphans() == 0
    monkeypatch.setattr(sweep, "GRACE", timedelta(seconds=-1))
    assert await removing.remove_orphans() == len(orphans)

    assert await names(objects) == {kept, "another-program/file"}


async def test_a_replaced_or_removed_or_refused_file_leaves_no_bytes(
    market: Market, database: Database, objects: Objects
) -> None:
    files, seller = _files(market, database, objects), market.seller
    first, second = [(await market.a_ticket())["id"] for _ in range(2)]
    await files.put(seller, first, "a.png", png("a-barcode"))
    replaced = await files.put(seller, first, "a.png", png("a-barcode"))
    with pytest.raises(Exception, match="already listed"):
        await files.put(seller, second, "a.png", png("a-barcode"))
    assert await names(objects) == {replaced.object}

    await files.remove(seller, first)

    assert await names(objects) == set()


async def test_a_new_first_key_wraps_every_data_key(
    files: FileApi, database: Database, objects: Objects
) -> None:
    tickets = [await files.a_ticket_with(png(f"barcode-{number}")) for number in range(3)]
    keys = FileKeys([NEW, *FILES_KEY])
    rotating = Sweep(FileRecords(database), objects, keys)

    assert await rotating.wrap_keys() == 3
    assert await rotating.wrap_keys() == 0

    stored = await database["tickets"].find({})
    assert {document["sealed"]["key_id"] for document in stored} == {keys.first}
    assert {document["version"] for document in stored} == {1}
    assert len(tickets) == 3


async def test_a_key_that_is_lost_is_reported_and_holds_no_other_up(
    files: FileApi, database: Database, objects: Objects, caplog: pytest.LogCaptureFixture
) -> None:
    await files.a_ticket_with(png("a-barcode"))

    assert await Sweep(FileRecords(database), objects, FileKeys([NEW])).wrap_keys() == 0

    assert "file's key lost" in caplog.text


def _files(market: Market, database: Database, objects: Objects) -> Files:
    repositories = Repositories.over(database, publishers(market.stream))
    return Files(
        repositories.tickets,
        repositories.orders,
        objects,
        InProcess(),
        FileKeys(FILES_KEY),
        BarcodeHashes(BARCODE_KEY),
    )
