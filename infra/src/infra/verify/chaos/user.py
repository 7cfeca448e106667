"""Actions of one user, chosen by a seeded random generator."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from infra.actors.person import Person
from infra.verify.chaos import answers
from infra.verify.chaos.answers import Answer
from infra.verify.chaos.buyer import Buyer
from infra.verify.chaos.ledger import Listing
from infra.verify.chaos.shop import Shop

T = TypeVar("T")

TICKET = ("id", "title", "price", "userId", "version", "orderId")
RECENT = 30
"""Newest listings that buyers choose from: so few that buyers compete."""


class User:
    """Sequence of single actions of an account; one account may run several at once."""

    def __init__(self, shop: Shop, account: Person, chance: random.Random) -> None:
        self._shop = shop
        self._account = account
        self._chance = chance
        self._ledger = shop.ledger
        self._buyer = Buyer(shop, account, chance)
        self._doings: dict[Callable[[], Awaitable[None]], int] = {
            self.sell: 20,
            self.edit: 15,
            self.withdraw: 4,
            self.buy: 35,
            self._buyer.look_back: 10,
            self.browse: 10,
            self.visit: 5,
            self.sign_in: 1,
        }

    async def live(self, until: float) -> None:
        """Act until that monotonic time."""
        doings, weights = list(self._doings), list(self._doings.values())
        while time.monotonic() < until:
            await self._chance.choices(doings, weights)[0]()
            await asyncio.sleep(self._chance.uniform(0.0, 0.5))

    async def sell_to(self, buyer: Buyer, until: float) -> None:
        """List and have it bought and paid, one ticket after the other, until that monotonic time."""
        while time.monotonic() < until:
            listing = await self._list()
            if listing is not None:
                await buyer.buy_and_pay(listing)

    async def sell(self) -> None:
        await self._list()

    async def _list(self) -> Listing | None:
        answer = await self._shop.call(
            self._account, "POST", "/api/tickets", self._offer(), success=201, fields=TICKET
        )
        if answer.status != 201:
            return None
        return self._ledger.acknowledge_ticket(answer.body, self._account.id)

    async def edit(self) -> None:
        listing = self._own()
        if listing is None:
            await self.sell()
            return
        first, second = await self._perhaps_twice(lambda: self._change(listing))
        for answer in filter(None, (first, second)):
            if answer.status == 200:
                self._ledger.acknowledge_ticket(answer.body, self._account.id)

    async def withdraw(self) -> None:
        listing = self._own()
        if listing is None:
            return
        listing.withdrawing = True
        answer = await self._shop.call(
            self._account,
            "DELETE",
            f"/api/tickets/{listing.id}",
            success=204,
            explained=lambda: answers.of_change(listing),
        )
        listing.withdrawn = listing.withdrawn or answer.status == 204

    async def buy(self) -> None:
        listing = self._on_sale()
        if listing is not None:
            await self._buyer.buy(listing)

    async def browse(self) -> None:
        path = self._chance.choice(
            [
                "/api/tickets",
                "/api/tickets?q=Seat&sort=price&limit=5",
                "/api/tickets?seller=me",
                "/api/orders",
            ]
        )
        await self._shop.call(self._account, "GET", path)
        listing = self._on_sale()
        if listing is not None:
            path = f"/api/tickets/{listing.id}"
            await self._shop.call(
                self._account,
                "GET",
                path,
                fields=TICKET,
                explained=lambda: answers.of_look(listing),
            )

    async def visit(self) -> None:
        listing = self._on_sale()
        pages = ["/", "/tickets/new", "/orders", *([f"/tickets/{listing.id}"] if listing else [])]
        path = self._chance.choice(pages)
        await self._shop.page(self._account, path, may_be_missing=bool(listing and listing.withdrawing))

    async def sign_in(self) -> None:
        await self._shop.sign_in(self._account)

    async def _change(self, listing: Listing) -> Answer:
        return await self._shop.call(
            self._account,
            "PUT",
            f"/api/tickets/{listing.id}",
            self._offer(),
            fields=TICKET,
            explained=lambda: answers.of_change(listing),
        )

    async def _perhaps_twice(self, act: Callable[[], Awaitable[Answer]]) -> tuple[Answer, Answer | None]:
        if self._chance.random() < 0.2:
            first, second = await asyncio.gather(act(), act())
            return first, second
        return await act(), None

    def _offer(self) -> dict[str, object]:
        price = self._chance.randint(1, 100_000) / 100
        words = f"Seat {self._chance.getrandbits(32):08x}"
        return {"title": words, "price": price if self._chance.random() < 0.8 else str(price)}

    def _own(self) -> Listing | None:
        mine = [
            listing
            for listing in self._recent(self._ledger.listings.values(), 10 * RECENT)
            if listing.seller == self._account.id and not listing.withdrawn
        ]
        return self._chance.choice(mine) if mine else None

    def _on_sale(self) -> Listing | None:
        recent = self._recent(self._ledger.listings.values(), RECENT)
        return self._chance.choice(recent) if recent else None

    @staticmethod
    def _recent(items: Iterable[T], count: int) -> list[T]:
        return list(items)[-count:]
