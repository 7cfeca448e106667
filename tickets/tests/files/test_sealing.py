"""Encryption of files, and the rotation of its keys."""

import pytest

from tickets.files.sealing import BarcodeHashes, FileKeys, Unreadable

OLD, NEW = "the key of files until yesterday!", "the key of files from today on!!!"
NAME = "65f0/a1"


def test_sealed_bytes_open_under_their_name_alone() -> None:
    keys = FileKeys([OLD])
    sealed, key = keys.seal(NAME, b"the ticket")

    assert b"the ticket" not in sealed
    assert keys.open(NAME, sealed, key) == b"the ticket"
    with pytest.raises(Unreadable):
        keys.open("65f0/a2", sealed, key)
    with pytest.raises(Unreadable):
        keys.open(NAME, sealed[:-1] + bytes([sealed[-1] ^ 1]), key)


def test_two_files_have_two_keys() -> None:
    keys = FileKeys([OLD])

    (first, first_key), (second, second_key) = keys.seal(NAME, b"x"), keys.seal(NAME, b"x")

    assert first != second
    with pytest.raises(Unreadable):
        keys.open(NAME, first, second_key)
    assert first_key.key_id == second_key.key_id


def test_a_key_rotates_without_a_file_being_written_again() -> None:
    sealed, key = FileKeys([OLD]).seal(NAME, b"the ticket")
    both, after = FileKeys([NEW, OLD]), FileKeys([NEW])

    assert both.open(NAME, sealed, key) == b"the ticket"
    again = both.wrap_again(NAME, key)

    assert after.open(NAME, sealed, again) == b"the ticket"
    with pytest.raises(Unreadable):
        after.open(NAME, sealed, key)


def test_a_hash_depends_on_its_key_and_on_the_barcode() -> None:
    one = BarcodeHashes(OLD)

    assert one.of([b"ticket-1"]) == BarcodeHashes(OLD).of([b"ticket-1"])
    assert one.of([b"ticket-1"]) != BarcodeHashes(NEW).of([b"ticket-1"])
    assert one.of([b"ticket-1"]) != one.of([b"ticket-2"])


def test_a_web_address_counts_alone_but_not_beside_a_barcode() -> None:
    hashes, address = BarcodeHashes(OLD), b"HTTPS://organiser.example"

    assert hashes.of([address, b"ticket-1"]) == hashes.of([b"ticket-1"])
    assert len(hashes.of([address])) == 1
