"""Users and listings to look at, made through the public API like anyone's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import aiohttp

from common.base import times

PASSWORD = "demo-tickets-2026"
SELLER = "seller@demo.test"
BUYER = "buyer@demo.test"
HOW_TO_SIGN_IN = f"sign in as {BUYER} or {SELLER}, password {PASSWORD}; pay with tok_visa"


@dataclass(frozen=True, slots=True)
class Listing:
    title: str
    price: str
    in_days: int | None = None
    venue: str = ""
    seat: str = ""

    def offer(self, today: date) -> Mapping[str, str]:
        """As a form sends it."""
        day = "" if self.in_days is None else (today + timedelta(days=self.in_days)).isoformat()
        return {
            "title": self.title,
            "price": self.price,
            "eventDate": day,
            "venue": self.venue,
            "seat": self.seat,
        }


LISTINGS = (
    Listing("Jazz at the Harbour", "45.00", 4, "Pier 9, Rotterdam", "Deck, free seating"),
    Listing("City Derby", "62.50", 11, "North Park Stadium", "North stand, row 22, seat 7"),
    Listing("Swan Lake", "38.00", 18, "Opéra de Lyon", "Balcony, row 2, seat 14"),
    Listing("Open Air Cinema: Metropolis", "12.00", 25, "Orchard Meadow"),
    Listing("Winter Lights Festival", "19.99", 40, "Old Harbour"),
    Listing("String Quartets at Noon", "15.00", 53, "Café Müller, Wien"),
    Listing("Comedy Cellar, late show", "22.00", 60, "The Cellar", "Table 5"),
    Listing("Marathon of Silent Films", "9.50"),
)


async def fill(edge_url: str) -> None:
    """Makes what is missing, so that a second run adds nothing."""
    await _member(edge_url, BUYER)
    cookies = await _member(edge_url, SELLER)
    async with _session(edge_url, cookies) as http:
        async with http.get("/api/tickets", params={"seller": "me"}) as response:
            response.raise_for_status()
            if await response.json():
                return
        for listing in LISTINGS:
            offer = listing.offer(times.now().date())
            async with http.post("/api/tickets", json=offer) as response:
                response.raise_for_status()


async def _member(edge_url: str, email: str) -> aiohttp.CookieJar:
    """The cookies of this user, signed up if need be."""
    cookies = aiohttp.CookieJar(unsafe=True)  # also from an address without a name: the edge's is 127.0.0.1
    body = {"email": email, "password": PASSWORD}
    async with _session(edge_url, cookies) as http:
        async with http.post("/api/users/signin", json=body) as response:
            if response.ok:
                return cookies
        async with http.post("/api/users/signup", json=body) as response:
            response.raise_for_status()
    return cookies


def _session(edge_url: str, cookies: aiohttp.CookieJar) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(edge_url, cookie_jar=cookies)
