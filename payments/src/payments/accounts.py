"""Sellers' accounts at the provider, and whether they can be paid."""

from contextlib import suppress

from common.base.errors import DuplicateKey
from common.persistence.mongo import Database, Document
from payments.gateway import Account


class SellerAccounts:
    """One document a seller, under the user's id. `ready` and `due` are what the provider said latest."""

    def __init__(self, database: Database) -> None:
        self._documents = database["accounts"]

    async def of(self, user_id: str) -> Account | None:
        document = await self._documents.find_one({"_id": user_id})
        return None if document is None else _account(document)

    async def add(self, account: Account) -> Account:
        """Stores a new account; returns the seller's one account, which may be another one."""
        fields = {"account_id": account.id, "ready": account.ready, "due": list(account.due)}
        with suppress(DuplicateKey):
            await self._documents.insert_one({"_id": account.user_id, **fields})
        return await self.of(account.user_id) or account

    async def show(self, account: Account) -> bool:
        """Stores the provider's latest word; False for an account that is not the seller's one."""
        query = {"_id": account.user_id, "account_id": account.id}
        fields = {"ready": account.ready, "due": list(account.due)}
        return await self._documents.update_one(query, {"$set": fields})


def _account(document: Document) -> Account:
    return Account(document["account_id"], document["_id"], document["ready"], tuple(document["due"]))
