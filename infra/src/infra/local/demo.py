"""Users and listings to look at, made through the public API like anyone's."""

import aiohttp

PASSWORD = "demo-tickets-2026"
SELLER = "seller@demo.test"
BUYER = "buyer@demo.test"
HOW_TO_SIGN_IN = f"sign in as {BUYER} or {SELLER}, password {PASSWORD}; pay with tok_visa"

LISTINGS = (
    ("Jazz at the Harbour, Friday", "45.00"),
    ("City Derby, north stand", "62.50"),
    ("Swan Lake, balcony", "38.00"),
    ("Open Air Cinema: Metropolis", "12.00"),
    ("Winter Lights Festival", "19.99"),
    ("String Quartets at Noon", "15.00"),
    ("Comedy Cellar, late show", "22.00"),
    ("Marathon of Silent Films", "9.50"),
)


async def fill(edge_url: str) -> None:
    """Does nothing when the seller can already sign in: then it was done before."""
    async with aiohttp.ClientSession(edge_url) as seller, aiohttp.ClientSession(edge_url) as buyer:
        if await _post(seller, "/api/users/signin", {"email": SELLER, "password": PASSWORD}) == 200:
            return
        for http, email in ((buyer, BUYER), (seller, SELLER)):
            await _post(http, "/api/users/signup", {"email": email, "password": PASSWORD})
        for title, price in LISTINGS:
            await _post(seller, "/api/tickets", {"title": title, "price": price})


async def _post(http: aiohttp.ClientSession, path: str, body: dict[str, str]) -> int:
    async with http.post(path, json=body) as response:
        return response.status
