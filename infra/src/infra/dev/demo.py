"""Demo users and listings, created through the public API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from common.base import times
from infra.actors.api import Api
from infra.actors.person import Person, Refused

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
    city: str = ""

    def offer(self, today: date) -> Mapping[str, str]:
        """Fields of the listing, as a form sends them."""
        day = "" if self.in_days is None else (today + timedelta(days=self.in_days)).isoformat()
        return {
            "title": self.title,
            "price": self.price,
            "eventDate": day,
            "venue": self.venue,
            "seat": self.seat,
            "city": self.city,
        }


LISTINGS = (
    Listing("Jazz at the Harbour", "45.00", 4, "Pier 9", "Deck, free seating", "Rotterdam"),
    Listing("City Derby", "62.50", 11, "North Park Stadium", "North stand, row 22, seat 7"),
    Listing("Swan Lake", "38.00", 18, "Opéra de Lyon", "Balcony, row 2, seat 14"),
    Listing("Open Air Cinema: Metropolis", "12.00", 25, "Orchard Meadow"),
    Listing("Winter Lights Festival", "19.99", 40, "Old Harbour"),
    Listing("String Quartets at Noon", "15.00", 53, "Café Müller", city="Wien"),
    Listing("Comedy Cellar, late show", "22.00", 60, "The Cellar", "Table 5"),
    Listing("Marathon of Silent Films", "9.50"),
)


async def fill(edge_url: str) -> None:
    """Create the demo data that is missing; a second run adds nothing.

    Raises aiohttp.ClientError or Refused.
    """
    async with Api(edge_url, connections=1) as api:
        await Person.enter(api, BUYER, PASSWORD)
        seller = await Person.enter(api, SELLER, PASSWORD)
        status, listed = await seller.call("GET", "/api/tickets?seller=me")
        if status != 200:
            raise Refused(f"no listings: {status} {listed}")
        for listing in () if listed else LISTINGS:
            status, answer = await seller.call("POST", "/api/tickets", listing.offer(times.now().date()))
            if status != 201:
                raise Refused(f"not offered: {status} {answer}")
