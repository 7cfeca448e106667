"""Use cases of a listing's file: added, read, removed.

The sealed bytes are stored first, under a name of their own, and then the ticket's record names them. So
after a crash between the two a listing has its file of before, and `sweep.py` removes the other bytes.
"""

import logging
import secrets
from dataclasses import dataclass

from common.base.errors import AppError, NotAuthorized, NotFound, TooLarge, Unavailable
from common.base.identity import CurrentUser
from common.persistence.repository import retrying
from tickets import commands
from tickets.domain import Ticket
from tickets.errors import TicketReserved
from tickets.files.documents import StoredFile, stored_form
from tickets.files.limits import MAX_STORED_BYTES
from tickets.files.names import cleaned
from tickets.files.readers import FileReader
from tickets.files.record import ListingFile
from tickets.files.sealing import BarcodeHashes, FileKeys, Unreadable
from tickets.files.store import Objects
from tickets.repository import OrderProgress, TicketRepository

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to show: of a file, or of one page's picture."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Files:
    tickets: TicketRepository
    orders: OrderProgress
    objects: Objects
    reader: FileReader
    keys: FileKeys
    hashes: BarcodeHashes

    async def put(self, user: CurrentUser, ticket_id: str, name: str, content: bytes) -> ListingFile:
        """Adds the file, in the place of one that the listing has.

        Raises the errors of `FileReader.read`, TooLarge for pages that are too detailed to be kept,
        TicketReserved, and TicketAlreadyListed.
        """
        if (await commands.own(self.tickets, user, ticket_id)).order_id is not None:
            raise TicketReserved()
        reading = await self.reader.read(content)
        stored = stored_form(reading)
        if len(stored.content) > MAX_STORED_BYTES:
            raise TooLarge()
        file = await self._sealed(ticket_id, name, stored, self.hashes.of(reading.barcodes))
        await self._record(user, ticket_id, file)
        return file

    async def get(self, user: CurrentUser, ticket_id: str, page: int | None = None) -> Content:
        """The file, or the picture of one of its pages, from 1. Raises NotAuthorized, and NotFound."""
        ticket = await commands.visible(self.tickets, ticket_id, lambda: user)
        if not await self._may_read(user, ticket):
            raise NotAuthorized()
        file = ticket.file
        if file is None or (page is not None and page > len(file.pages)):
            raise NotFound()
        content = await self._opened(ticket_id, file)
        if page is None:
            return Content(file.name, file.type, content)
        place = file.pages[page - 1]
        return Content(f"{page}.jpg", "image/jpeg", content[place.start : place.start + place.length])

    async def remove(self, user: CurrentUser, ticket_id: str) -> None:
        """Idempotent. Raises TicketReserved."""

        async def decide() -> ListingFile | None:
            ticket = await commands.own(self.tickets, user, ticket_id)
            removed = ticket.file
            ticket.detach()
            await self.tickets.save(ticket)
            return removed

        if removed := await retrying(decide):
            await self._discard(removed.object)

    async def _may_read(self, user: CurrentUser, ticket: Ticket) -> bool:
        if user.id == ticket.user_id:
            return True
        if ticket.order_id is None or not ticket.is_buyer(user.id):
            return False
        return not await self.orders.is_refunded(ticket.order_id)

    async def _sealed(
        self, ticket_id: str, name: str, stored: StoredFile, barcodes: tuple[str, ...]
    ) -> ListingFile:
        """Stores the bytes; their record is yet to come."""
        object_name = f"{ticket_id}/{secrets.token_hex(16)}"
        sealed, key = self.keys.seal(object_name, stored.content)
        await self.objects.put(object_name, sealed)
        return ListingFile(
            name=cleaned(name, stored.type),
            type=stored.type,
            bytes=len(stored.content),
            pages=stored.pages,
            object=object_name,
            key=key,
            barcodes=barcodes,
        )

    async def _record(self, user: CurrentUser, ticket_id: str, file: ListingFile) -> None:
        async def decide() -> ListingFile | None:
            ticket = await commands.own(self.tickets, user, ticket_id)
            replaced = ticket.file
            ticket.attach(file)
            await self.tickets.save(ticket)
            return replaced

        try:
            replaced = await retrying(decide)
        except Unavailable:
            # The record may be stored though its answer was lost: the sweep finds out.
            raise
        except AppError:
            await self._discard(file.object)
            raise
        if replaced is not None:
            await self._discard(replaced.object)

    async def _opened(self, ticket_id: str, file: ListingFile) -> bytes:
        """Raises NotFound where the bytes are lost, or were replaced since the record was read."""
        sealed = await self.objects.get(file.object)
        if sealed is None:
            log.error("file without its bytes", extra={"ticket": ticket_id, "object": file.object})
            raise NotFound()
        try:
            return self.keys.open(file.object, sealed, file.key)
        except Unreadable as error:
            log.error("file can't be opened", extra={"ticket": ticket_id, "error": str(error)})
            raise NotFound() from None

    async def _discard(self, object_name: str) -> None:
        """Removes bytes that no record names; while the store is away, the sweep does it later."""
        try:
            await self.objects.delete(object_name)
        except Unavailable as error:
            log.warning("bytes not removed", extra={"object": object_name, "error": repr(error)})
