"""`python -m auth restored`: after auth's database was restored from a backup, while no process serves.

Deletes the accounts again that the stream says are deleted, and rebuilds the replica of orders.
"""

from auth.changes import Change, ChangeKind
from auth.deletions import Deletions
from auth.publishers import publishers
from auth.rebuild import rebuild
from common.contract.deleted_users import deleted_users
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.roll_forward import marked


async def restored(stream: Stream, database: Database) -> str:
    """Returns the summary. May be broken off and run again."""
    async with marked(database):
        again = await _delete_again(stream, Deletions(database, publishers(stream)))
        report = await rebuild(stream, database)
    return f"deleted    {again} accounts again\nreplica of orders:\n{report}"


async def _delete_again(stream: Stream, deletions: Deletions) -> int:
    """The count of the accounts that were deleted. The service's sweep does what follows, without a mail."""
    again = 0
    async for event in deleted_users(stream):
        again += await deletions.delete_again(event, Change.now(ChangeKind.DELETED, ""))
    return again
