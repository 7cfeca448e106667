"""Worker processes: confined, bounded, and replaced after every file."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from common.base.errors import BadRequest
from tests.files.builders import pdf, png
from tests.files.hostile import drawings_of_pdfs, named, structures_of_pdfs, uploads
from tickets.errors import FileNotReadable, FileProtected, UploadsBusy
from tickets.files.limits import MAX_BYTES, MAX_EDGE, MAX_PAGES
from tickets.files.protocol import Reading
from tickets.files.readers import Readers

CODE = "GX-2031-000417"
SECONDS = 30
"""Bound of a file's reading, on a machine that does other work."""

CONFINED = """
import os, socket, sys
from tickets.files import worker
worker.confine()
def refused(attempt):
    try:
        attempt()
    except (OSError, MemoryError):
        return True
    return False
assert refused(lambda: open('/etc/passwd'))
assert refused(lambda: open(f'/proc/{os.getppid()}/environ'))
assert refused(lambda: socket.socket())
assert refused(lambda: bytearray(2 << 30))
assert refused(lambda: os.write(os.memfd_create('x'), b'x'))
assert dict(os.environ).keys() <= {'LC_CTYPE'}, dict(os.environ)
print('confined')
"""


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    readers = Readers()
    yield readers
    await readers.close()


def test_a_worker_opens_no_file_and_no_socket_and_has_no_key_in_its_environment() -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-c", CONFINED],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, "confined\n"), ended.stderr


async def test_a_file_is_read_in_a_process_of_its_own(readers: Readers) -> None:
    first, second = await readers.read(png(CODE)), await readers.read(pdf([CODE], []))

    assert first.barcodes == second.barcodes == (CODE.encode(),)
    assert (len(first.pictures), len(second.pictures)) == (1, 2)


async def test_a_protected_pdf_is_refused_in_its_own_words(readers: Readers) -> None:
    with pytest.raises(FileProtected):
        await readers.read(named("pdf with a password", structures_of_pdfs()))


async def test_a_file_that_ends_or_outlasts_its_worker_is_refused_and_the_next_is_read() -> None:
    readers = Readers(workers=1, wall_seconds=2)
    try:
        for name in ("pdf of endless tiles", "pdf drawing of a gigabyte"):
            with pytest.raises(FileNotReadable):
                await readers.read(named(name, drawings_of_pdfs()))

        readers = await _patient(readers)
        assert (await readers.read(png(CODE))).barcodes == (CODE.encode(),)
    finally:
        await readers.close()


async def _patient(hasty: Readers) -> Readers:
    await hasty.close()
    return Readers(workers=1)


async def test_more_uploads_than_may_wait_are_refused_at_once() -> None:
    readers = Readers(workers=1, waiting=1)
    try:
        answers = await asyncio.gather(*(readers.read(png(CODE)) for _ in range(5)), return_exceptions=True)
    finally:
        await readers.close()

    assert [type(answer) for answer in answers] == [Reading] * 2 + [UploadsBusy] * 3
    busy = answers[-1]
    assert isinstance(busy, UploadsBusy)
    assert busy.headers == {"Retry-After": "5"}


@pytest.mark.connected
async def test_each_hostile_upload_is_refused_or_kept_as_pictures_within_bounds(readers: Readers) -> None:
    """Not in the quick suite: some use up their processor time."""

    async def outcome(content: bytes) -> tuple[str, float]:
        started = time.monotonic()
        try:
            found = await readers.read(content)
        except BadRequest as refused:
            return refused.code, time.monotonic() - started
        assert 0 < len(found.pictures) <= MAX_PAGES
        for picture in found.pictures:
            assert max(picture.width, picture.height) <= MAX_EDGE
            assert not any(word in picture.content for word in (b"alert(", b"Exif", b"PK\x03\x04", b"http"))
        return "kept", time.monotonic() - started

    hostile, outcomes = dict(uploads()), {}
    for name, content in hostile.items():
        assert len(content) <= MAX_BYTES + 10
        outcomes[name] = await outcome(content)

    assert len(outcomes) > 50
    assert {name: spent for name, (_, spent) in outcomes.items() if spent > SECONDS} == {}
    kept = {name for name, (result, _) in outcomes.items() if result == "kept"}
    refused = set(hostile) - kept
    assert {"gif", "vector picture", "pdf cut off", "png of 2.5 billion pixels", "pdf of 11 pages"} <= refused
    assert {"pdf with a script at its opening", "pdf with a program inside"} <= kept
    assert (await readers.read(png(CODE))).barcodes == (CODE.encode(),)
