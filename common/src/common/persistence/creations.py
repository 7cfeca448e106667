"""Creates that are sent twice: the record of the first request carries its key, under a unique index.

The index decides between concurrent requests, of any process. The key and the record are one write, so that
no crash leaves the one without the other. The key stands as long as the record does.
"""

from collections.abc import Mapping
from typing import Any

from common.base.creation import Creation
from common.base.errors import KeyReused
from common.persistence.mongo import ASCENDING, Collection, Document, Index

ONE_PER_KEY = Index([("creation.key", ASCENDING)], name="one_per_creation_key", unique=True, sparse=True)


def marked(creation: Creation | None) -> Mapping[str, Any]:
    """The field of a new record; none without a key. An update of the record keeps it."""
    if creation is None:
        return {}
    return {"creation": {"key": creation.key, "fingerprint": creation.fingerprint}}


async def first_of(
    documents: Collection, creation: Creation | None, *, is_told: bool = True
) -> Document | None:
    """The record that an earlier request with this key created, as it is now; None without one.

    Raises KeyReused where that request had another body; is_told: The error names the record.
    """
    if creation is None:
        return None
    document = await documents.find_one({"creation.key": creation.key}, {"outbox": 0})
    if document is not None and document["creation"]["fingerprint"] != creation.fingerprint:
        raise KeyReused(f"{creation.path}/{document['_id']}" if is_told else None)
    return document
