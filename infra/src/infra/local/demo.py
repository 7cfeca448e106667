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
    """Makes what is missing, so that a second run adds nothing."""
    await _member(edge_url, BUYER)
    cookies = await _member(edge_url, SELLER)
    async with _session(edge_url, cookies) as http:
        async with http.get("/api/tickets", params={"seller": "me"}) as response:
            response.raise_for_status()
            if await response.json():
                return
        for title, price in LISTINGS:
            async with http.post("/api/tickets", json={"title": title, "price": price}) as response:
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
