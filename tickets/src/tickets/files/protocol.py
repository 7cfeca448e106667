"""What the service and a worker process send each other over the worker's standard streams."""

import json
import struct
from dataclasses import dataclass
from enum import StrEnum

LENGTH = struct.Struct(">Q")
"""Before each message: its length in bytes."""


class Kind(StrEnum):
    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"


class Refusal(StrEnum):
    """Why a file is refused."""

    UNREADABLE = "unreadable"
    PROTECTED = "protected"
    PAGES = "pages"
    PIXELS = "pixels"


class BrokenAnswer(ValueError):
    """Of a worker that its file may have taken over."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One page as a JPEG. width, height: In pixels."""

    width: int
    height: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """kind: Of the upload. barcodes: Their bytes, each once."""

    kind: Kind
    pictures: tuple[Picture, ...]
    barcodes: tuple[bytes, ...]


def framed(message: bytes) -> bytes:
    return LENGTH.pack(len(message)) + message


def encoded(answer: Reading | Refusal) -> bytes:
    """A line of JSON, and the pictures one after another."""
    if isinstance(answer, Refusal):
        return json.dumps({"refusal": answer.value}).encode() + b"\n"
    head = {
        "kind": answer.kind.value,
        "pictures": [[one.width, one.height, len(one.content)] for one in answer.pictures],
        "barcodes": [barcode.hex() for barcode in answer.barcodes],
    }
    return json.dumps(head).encode() + b"\n" + b"".join(one.content for one in answer.pictures)


def decoded(message: bytes) -> Reading | Refusal:
    """Raises ValueError, KeyError and TypeError: a worker may have been taken over by its file."""
    head, _, rest = message.partition(b"\n")
    fields = json.loads(head)
    if "refusal" in fields:
        return Refusal(fields["refusal"])
    pictures, at = [], 0
    for width, height, length in fields["pictures"]:
        pictures.append(_picture(int(width), int(height), rest[at : at + length]))
        at += length
    barcodes = tuple(bytes.fromhex(barcode) for barcode in fields["barcodes"])
    return Reading(Kind(fields["kind"]), tuple(pictures), barcodes)


def _picture(width: int, height: int, content: bytes) -> Picture:
    if not (content.startswith(b"\xff\xd8\xff") and 0 < width < 10_000 and 0 < height < 10_000):
        raise BrokenAnswer("not a picture")
    return Picture(width, height, content)
