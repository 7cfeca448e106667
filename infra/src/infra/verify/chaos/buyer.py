"""Actions of a buyer on an order: pay by all kinds of cards, cancel, race, or let it expire."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from infra.actors.person import Person
from infra.verify.chaos import answers
from infra.verify.chaos.answers import Answer
from infra.verify.chaos.ledger import Listing, Purchase
from infra.verify.chaos.shop import Shop

ORDER = ("id", "userId", "status", "expiresAt", "version", "ticket", "payment")
TOKENS = {
    "tok_visa": 40,
    "tok_mastercard": 10,
    "tok_chargeDeclined": 10,
    "tok_chargeDeclinedInsufficientFunds": 3,
    "tok_threeDSecure": 14,
    "tok_threeDSecureDeclined": 5,
    "tok_slow": 6,
    "tok_timeout": 6,
    "tok_error": 3,
    "tok_unknown": 3,
}
ENDS = ("complete", "cancelled")


class Buyer:
    def __init__(self, shop: Shop, account: Person, chance: random.Random) -> None:
        self._shop = shop
        self._account = account
        self._chance = chance
        self._ledger = shop.ledger
        self._mine: list[Purchase] = []
        self._fates: dict[Callable[[Purchase], Awaitable[None]], int] = {
            self._pay_and_look: 45,
            self._pay_twice: 12,
            self._try_cards: 10,
            self._cancel_and_order_again: 12,
            self._pay_and_cancel_at_once: 10,
            self._leave: 11,
        }

    async def buy(self, listing: Listing) -> None:
        times = 2 if self._chance.random() < 0.2 else 1
        won = await asyncio.gather(*(self._order(listing) for _ in range(times)))
        for purchase in filter(None, won):
            fate = self._chance.choices(list(self._fates), list(self._fates.values()))[0]
            await fate(purchase)

    async def buy_and_pay(self, listing: Listing) -> None:
        """Order it and pay by a good card."""
        purchase = await self._order(listing)
        if purchase is not None:
            await self._pay_once_known(purchase, "tok_visa")

    async def look_back(self) -> None:
        """Read an earlier order, and perhaps pay or cancel it once more."""
        if not self._mine:
            return
        purchase = self._chance.choice(self._mine[-10:])
        await self._see(purchase)
        if self._chance.random() < 0.3:
            await self._pay(purchase, self._token())
        elif self._chance.random() < 0.2:
            await self._cancel(purchase)

    async def _order(self, listing: Listing) -> Purchase | None:
        listing.orders += 1
        answer = await self._shop.call(
            self._account,
            "POST",
            "/api/orders",
            {"ticketId": listing.id},
            success=201,
            fields=ORDER,
            explained=lambda: answers.of_order(listing, self._account.id),
        )
        if answer.status != 201:
            return None
        purchase = self._ledger.acknowledge_order(answer.body, self._account.id)
        self._mine.append(purchase)
        return purchase

    async def _pay_and_look(self, purchase: Purchase) -> None:
        if await self._pay_once_known(purchase, self._token()):
            await asyncio.sleep(self._chance.uniform(0.0, 1.0))
        await self._see(purchase)

    async def _pay_twice(self, purchase: Purchase) -> None:
        await self._await_known(purchase)
        await asyncio.gather(*(self._pay(purchase, self._token()) for _ in range(2)))

    async def _try_cards(self, purchase: Purchase) -> None:
        for token in ("tok_chargeDeclined", self._token(), "tok_visa"):
            if await self._pay_once_known(purchase, token):
                return

    async def _cancel_and_order_again(self, purchase: Purchase) -> None:
        if await self._cancel(purchase):
            again = await self._order(self._ledger.listings[purchase.ticket_id])
            if again is not None:
                await self._pay_and_look(again)

    async def _pay_and_cancel_at_once(self, purchase: Purchase) -> None:
        await self._await_known(purchase)
        await asyncio.gather(self._pay(purchase, self._token()), self._cancel(purchase))

    async def _leave(self, purchase: Purchase) -> None:
        await self._see(purchase)

    async def _pay_once_known(self, purchase: Purchase, token: str) -> bool:
        """Whether the payment succeeded, after the further step if the card needs one."""
        await self._await_known(purchase)
        answer = await self._pay(purchase, token)
        if answer.status != 201:
            return False
        if answer.body["status"] == "awaiting" and self._chance.random() < 0.7:
            return (await self._confirm(purchase)).status == 200
        return True

    async def _await_known(self, purchase: Purchase) -> None:
        """Wait a limited time until the payments service has received the order's event."""
        await asyncio.sleep(min(0.3, self._chance.uniform(0.05, 0.6)) if purchase.is_fresh else 0)

    async def _pay(self, purchase: Purchase, token: str) -> Answer:
        purchase.tokens.add(token)
        answer = await self._shop.call(
            self._account,
            "POST",
            "/api/payments",
            {"orderId": purchase.id, "token": token},
            success=201,
            fields=("id", "status"),
            explained=lambda: answers.of_payment(purchase),
        )
        self._note_payment(purchase, answer, 201)
        return answer

    async def _confirm(self, purchase: Purchase) -> Answer:
        answer = await self._shop.call(
            self._account,
            "POST",
            "/api/payments/confirm",
            {"orderId": purchase.id},
            fields=("id", "status"),
            explained=lambda: answers.of_payment(purchase),
        )
        self._note_payment(purchase, answer, 200)
        return answer

    def _note_payment(self, purchase: Purchase, answer: Answer, success: int) -> None:
        if answer.status != success:
            return
        payment_id = answer.body["id"]
        if purchase.payment_id not in ("", payment_id):
            words = f"order {purchase.id}: payment {purchase.payment_id}, then {payment_id}"
            self._ledger.surprise(words)
        purchase.payment_id = payment_id

    async def _cancel(self, purchase: Purchase) -> bool:
        purchase.cancelling = True
        answer = await self._shop.call(
            self._account,
            "DELETE",
            f"/api/orders/{purchase.id}",
            success=204,
            explained=lambda: answers.of_cancellation(purchase),
        )
        purchase.cancelled = purchase.cancelled or answer.status == 204
        return answer.status == 204

    async def _see(self, purchase: Purchase) -> None:
        answer = await self._shop.call(self._account, "GET", f"/api/orders/{purchase.id}", fields=ORDER)
        if answer.status != 200 or answer.body["status"] not in ENDS:
            return
        seen = answer.body["status"]
        if purchase.ended_as not in ("", seen):
            self._ledger.surprise(f"order {purchase.id} was {purchase.ended_as}, then {seen}")
        purchase.ended_as = seen

    def _token(self) -> str:
        return self._chance.choices(list(TOKENS), list(TOKENS.values()))[0]
