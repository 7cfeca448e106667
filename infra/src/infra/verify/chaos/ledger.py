"""Record of the users' requests and of the answers they received: the expected state at the end."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LAG_SECONDS = 60.0
"""Limit for a service that does not know another's record yet, during faults."""


@dataclass(slots=True)
class Listing:
    """Ticket as in its seller's last answer. `orders` were requested, with any outcome."""

    id: str
    seller: str
    version: int
    title: str
    cents: int
    since: float = field(default_factory=time.monotonic)
    orders: int = 0
    withdrawing: bool = False
    withdrawn: bool = False

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() - self.since < LAG_SECONDS


@dataclass(slots=True)
class Purchase:
    """Order as in its buyer's last answer. `tokens` were tried; `expires` is a local, monotonic time."""

    id: str
    buyer: str
    ticket_id: str
    cents: int
    expires: float
    since: float = field(default_factory=time.monotonic)
    tokens: set[str] = field(default_factory=set)
    payment_id: str = ""
    cancelling: bool = False
    cancelled: bool = False
    ended_as: str = ""

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() - self.since < LAG_SECONDS

    @property
    def may_be_over(self) -> bool:
        """Whether the hold has ended, by the buyer or by time, or will end before an answer arrives."""
        return self.cancelling or time.monotonic() > self.expires - 1.0


@dataclass(slots=True)
class Ledger:
    """Ledger of a run. `unexpected` holds, in words, the answers without an explanation."""

    listings: dict[str, Listing] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    requests: int = 0
    users: dict[str, str] = field(default_factory=dict)
    """E-mail address of each user by id."""

    @property
    def longest_hold(self) -> float:
        return max((purchase.expires - purchase.since for purchase in self.purchases.values()), default=0.0)

    def surprise(self, words: str) -> None:
        self.unexpected.append(words)

    def acknowledge_ticket(self, body: dict[str, Any], seller: str) -> Listing:
        """Record a 201 or 200 with the ticket. Answers may overtake each other: the highest version stays."""
        version, cents = body["version"], round(body["price"] * 100)
        listing = self.listings.get(body["id"])
        if listing is None:
            listing = Listing(body["id"], seller, version, body["title"], cents)
            self.listings[listing.id] = listing
        elif version > listing.version:
            listing.version, listing.title, listing.cents = version, body["title"], cents
        return listing

    def acknowledge_order(self, body: dict[str, Any], buyer: str) -> Purchase:
        cents = round(body["ticket"]["price"] * 100)
        hold = datetime.fromisoformat(body["expiresAt"]) - datetime.now(UTC)
        expires = time.monotonic() + hold.total_seconds()
        purchase = Purchase(body["id"], buyer, body["ticket"]["id"], cents, expires)
        self.purchases[purchase.id] = purchase
        return purchase
