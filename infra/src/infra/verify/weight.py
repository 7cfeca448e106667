"""Weight and paint times of pages: `python -m infra.verify.weight` prints a line for each main page.

Each page is opened in a new Chromium profile with an empty cache, over a slow link and on a slow processor.
Chromium's own protocol simulates both: 1.6 Mbit/s, 150 ms round trip, a quarter of the speed, as in
Lighthouse's mobile profile (https://github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md). Bytes
are the transferred bytes, headers included. Exits 1 if the front page has more than 60 kB in all.
"""

import asyncio
import sys
from dataclasses import dataclass

from playwright.async_api import Browser, CDPSession, Page

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify import target as targets
from infra.verify.chromium import launched

FIRST_PAGE_AT_MOST = 60_000
LISTED = 50
THROUGHPUT = 1.6e6 / 8
LATENCY_MILLISECONDS = 150
SLOWER = 4

OBSERVE = """window.seen = {lcp: 0, cls: 0, blocked: 0};
const observe = (type, each) =>
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true});
observe("largest-contentful-paint", (entry) => { window.seen.lcp = entry.startTime; });
observe("layout-shift", (entry) => { if (!entry.hadRecentInput) window.seen.cls += entry.value; });
observe("longtask", (entry) => { window.seen.blocked += entry.duration - 50; });"""
FIGURES = """() => ({...window.seen,
  fcp: performance.getEntriesByName("first-contentful-paint")[0].startTime})"""


@dataclass
class Weight:
    """Times are in milliseconds from the navigation's start."""

    requests: int = 0
    bytes: int = 0
    fcp: float = 0.0
    lcp: float = 0.0
    cls: float = 0.0
    blocked: float = 0.0

    def line(self, name: str) -> str:
        return (
            f"{name:14} {self.requests:8} {self.bytes / 1000:7.1f} {self.fcp:8.0f} {self.lcp:8.0f} "
            f"{self.cls:6.3f} {self.blocked:8.0f}"
        )


HEAD = f"{'page':14} {'requests':>8} {'kB':>7} {'FCP ms':>8} {'LCP ms':>8} {'CLS':>6} {'TBT ms':>8}"


async def _throttled(page: Page) -> CDPSession:
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MILLISECONDS,
            "downloadThroughput": THROUGHPUT,
            "uploadThroughput": THROUGHPUT,
        },
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return session


async def weigh(browser: Browser, edge: str, path: str, person: Person | None) -> Weight:
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    if person is not None:
        name, value = person.session
        await context.add_cookies([{"name": name, "value": value, "url": edge}])
    page = await context.new_page()
    await page.add_init_script(OBSERVE)
    session, weight = await _throttled(page), Weight()

    def finished(event: dict[str, float]) -> None:
        weight.requests += 1
        weight.bytes += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    await page.goto(edge + path, wait_until="load")
    # Paints happen at a frame; after two more frames, the paints of the load are reported.
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))")
    figures = await page.evaluate(FIGURES)
    await context.close()
    weight.fcp, weight.lcp = figures["fcp"], figures["lcp"]
    weight.cls, weight.blocked = figures["cls"], figures["blocked"]
    return weight


async def main() -> int:
    edge = targets.find("infra.verify.weight").edge
    async with Api(edge, connections=8) as api:
        seller, buyer = await Person.sign_up(api), await Person.sign_up(api)
        tickets = [await seller.sell(20, f"A title of ordinary length, {number}") for number in range(LISTED)]
        order = await buyer.buy(tickets[0])
        await buyer.pay(order)
        await buyer.see(f"/api/orders/{order}", lambda seen: seen["status"] == "complete")
    pages = {
        "front page": ("/", None),
        "search": ("/?q=ordinary&sort=price", None),
        "ticket": (f"/tickets/{tickets[1]}", buyer),
        "sign in": ("/auth/signin", None),
        "sell": ("/tickets/new", seller),
        "listings": ("/listings", seller),
        "order": (f"/orders/{order}", buyer),
        "receipt": (f"/orders/{order}/receipt", buyer),
    }
    print(HEAD)
    async with launched() as browser:
        weights = {name: await weigh(browser, edge, *where) for name, where in pages.items()}
    for name, weight in weights.items():
        print(weight.line(name))
    return 0 if weights["front page"].bytes <= FIRST_PAGE_AT_MOST else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
