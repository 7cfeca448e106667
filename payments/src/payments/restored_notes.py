"""Progress of the command `restored`, stored until a run ends."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from common.base.errors import DuplicateKey
from common.persistence.mongo import Collection, Document
from common.persistence.replay import by_id
from payments.gateway import Intent

SLACK = timedelta(minutes=5)
"""Longer than the clocks of the provider and this service differ."""


class Notes:
    """Progress of a run, beside the mark that it is under way, until a run ends.

    `{_id: "since", at}`, and `{_id, attempt, intent_id, client_secret}` of the latest intent of each order,
    by the order's id.
    """

    def __init__(self, collection: Collection) -> None:
        self._documents = collection

    async def since(self, latest_charge: datetime | None) -> datetime:
        """Moment from which the provider's intents are read: those of later orders came after it.

        Stored at the first run, since a repeated one would find the charges that the first one stored.
        """
        at = datetime.fromtimestamp(0, UTC) if latest_charge is None else latest_charge - SLACK
        with suppress(DuplicateKey):
            await self._documents.insert_one({"_id": "since", "at": at})
        (noted,) = await self._documents.find({"_id": "since"})
        first: datetime = noted["at"]
        return first

    async def add(self, intent: Intent) -> None:
        earlier = {"_id": intent.order_id, "attempt": {"$lt": intent.number}}
        fields = {"attempt": intent.number, "intent_id": intent.id, "client_secret": intent.client_secret}
        # `upsert` fails with DuplicateKey where that intent, or a later one, is noted already.
        with suppress(DuplicateKey):
            await self._documents.update_one(earlier, {"$set": fields}, upsert=True)

    async def of_orders(self, order_ids: Sequence[str]) -> Mapping[str, Document]:
        return await by_id(self._documents, order_ids)
