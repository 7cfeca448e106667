"""The record of a listing's file, in the ticket's own document. The bytes are in the object store."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from common.contract.details import Delivery


@dataclass(frozen=True, slots=True)
class Page:
    """Place of a page's picture in the file, in bytes, and its size in pixels."""

    start: int
    length: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A file's data key, encrypted. key_id: The key of the setting that wraps it. wrapped: Base64."""

    key_id: str
    wrapped: str


@dataclass(frozen=True, slots=True)
class ListingFile:
    """name: As the seller called it. type: `application/pdf` or `image/jpeg`. bytes: The file's length.

    object: Name of the sealed bytes in the object store. barcodes: Keyed hashes.
    """

    name: str
    type: str
    bytes: int
    pages: tuple[Page, ...]
    object: str
    key: WrappedKey
    barcodes: tuple[str, ...]

    def without_barcodes(self) -> "ListingFile":
        return replace(self, barcodes=())


def delivery_of(file: ListingFile | None) -> str:
    """How a listing is handed over."""
    return (Delivery.TRANSFER if file is None else Delivery.FILE).value


def fields_of(file: ListingFile | None) -> Mapping[str, Any]:
    """Fields of the ticket's document. `file` is shown to its owner; `sealed` and `barcodes` to no user."""
    if file is None:
        return {"file": None, "sealed": None, "barcodes": None}
    return {
        "file": {
            "name": file.name,
            "type": file.type,
            "bytes": file.bytes,
            "pages": [asdict(page) for page in file.pages],
        },
        "sealed": {"object": file.object, **sealed_key(file.key)},
        "barcodes": list(file.barcodes) or None,
    }


def sealed_key(key: WrappedKey) -> Mapping[str, str]:
    return {"key_id": key.key_id, "wrapped_key": key.wrapped}


def file_of(document: Mapping[str, Any]) -> ListingFile | None:
    shown, sealed = document.get("file"), document.get("sealed")
    if shown is None or sealed is None:
        return None
    return ListingFile(
        name=shown["name"],
        type=shown["type"],
        bytes=shown["bytes"],
        pages=tuple(_page(page) for page in shown["pages"]),
        object=sealed["object"],
        key=WrappedKey(sealed["key_id"], sealed["wrapped_key"]),
        barcodes=tuple(document.get("barcodes") or ()),
    )


def _page(page: Mapping[str, int]) -> Page:
    return Page(page["start"], page["length"], page["width"], page["height"])
