"""Cost of the search index: time and CPU of searches, of events and of a restart, its memory and disk.

`python -m infra.verify.load.find --tickets 100000`, in this process alone, without a server. Half of
the tickets have the word "concert", all have "hall" and "row"; their ids are from the last half year.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from common.base import times
from common.base.money import Money
from common.contract.events import TicketCreated
from common.messaging.events import SOURCE, source_of, wire_subject
from common.messaging.stream import Stored
from tickets.finding.folders import Folder
from tickets.finding.index import Index
from tickets.finding.queries import Search
from tickets.finding.writer import Writer
from tickets.sorting import Sort

WORDS = 20_000
SECONDS = 182 * 24 * 3_600
BATCH = 1_000
LIMIT = 51
CITIES = ("ghent", "rome", "oslo", "lima", "cairo", "osaka", "paris", "leeds", "turin", "quito")
HEADERS = {SOURCE: source_of("tickets")}
_SYLLABLES = ("ka", "lo", "mi", "ter", "an", "zu", "pe", "ri", "don", "sha", "vel", "qui", "os", "bra", "ne")


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds: half of the runs, 99 of 100, and of the CPU for one."""

    p50: float
    p99: float
    cpu: float
    found: int


def vocabulary(chance: random.Random) -> Sequence[str]:
    return ["".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(2, 5))) for _ in range(WORDS)]


def events(tickets: int, words: Sequence[str], chance: random.Random) -> Iterator[Stored]:
    now, today = int(time.time()), times.now().date()
    for number in range(tickets):
        made = now - SECONDS + number * SECONDS // tickets
        rare = [words[int(chance.random() ** 3 * WORDS)] for _ in range(3)]
        event = TicketCreated(
            id=f"{made:08x}{chance.getrandbits(40):010x}{number % (1 << 24):06x}",
            version=0,
            title=f"{'Concert' if chance.random() < 0.5 else 'Festival'} {rare[0]} {rare[1]}",
            price=Money(chance.randint(500, 50_000)),
            user_id="65f000000000000000000000",
            event_date=today + timedelta(days=chance.randint(1, 300)),
            venue=f"{rare[2]} hall",
            city=chance.choice(CITIES),
            seat=f"Row {chance.randint(1, 60)} Seat {chance.randint(1, 40)}",
        )
        yield Stored(number + 1, wire_subject(event), event.to_json(), HEADERS)


def measured(find: Callable[[], int], seconds: float = 0.5) -> Cost:
    spent, found = list[float](), 0
    began, cpu = time.perf_counter(), time.process_time()
    while len(spent) < 20 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        found = find()
        spent.append(1_000 * (time.perf_counter() - start))
    of_each = 1_000 * (time.process_time() - cpu) / len(spent)
    spent.sort()
    return Cost(spent[len(spent) // 2], spent[int(len(spent) * 0.99)], of_each, found)


def searches(words: Sequence[str], sort: Sort) -> Iterator[tuple[str, Search]]:
    rare, today = words[WORDS // 2], times.now().date()
    week = partial(
        Search, sort=sort, first_day=today + timedelta(days=30), last_day=today + timedelta(days=36)
    )
    texts = {
        "one common word": "concert",
        "three common words": "concert hall row",
        "one rare word": rare,
        "a rare and a common word": f"{rare} concert",
        "a typo": f"{rare[:2]}x{rare[3:]}",
        "beginning of a common word": "conc",
        "no match": "xyzzyxyzzy",
    }
    yield from ((name, Search(text, sort)) for name, text in texts.items())
    yield "a week", week("")
    yield "a city of a tenth", Search("", sort, city=CITIES[0])
    yield "a city, a week, a common word", week("concert", city=CITIES[0])
    yield "from today on", Search("", sort, first_day=today)


def fed(index: Index, tickets: int, words: Sequence[str]) -> tuple[float, float]:
    """Seconds and CPU seconds of the index's own work."""
    writer, chance, batch = Writer(index), random.Random(1), list[Stored]()
    wall = cpu = 0.0
    for stored in events(tickets, words, chance):
        batch.append(stored)
        if len(batch) == BATCH or stored.sequence == tickets:
            start, used = time.perf_counter(), time.process_time()
            writer.apply(batch, at_end=stored.sequence == tickets)
            wall, cpu, batch = wall + time.perf_counter() - start, cpu + time.process_time() - used, []
    return wall, cpu


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(tickets: int, directory: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    words = vocabulary(random.Random(1))
    index = Index(Folder(directory))
    wall, cpu = fed(index, tickets, words)
    say(f"{tickets:,} tickets indexed in {wall:.1f} s, {1e6 * cpu / tickets:.0f} µs of CPU each")
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    disk = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 2**20
    say(f"{peak:.0f} MB of memory more at most, {disk:.0f} MB on disk")
    one_by_one(index, words, tickets)
    for sort in (Sort.RELEVANCE, Sort.NEWEST, Sort.CHEAPEST, Sort.SOONEST):
        for name, search in searches(words, sort):
            cost = measured(lambda search=search: len(index.find(search, LIMIT)))  # type: ignore[misc]
            say(
                f"{name:30} {sort.value:10} p50 {cost.p50:6.2f} ms, p99 {cost.p99:6.2f} ms, "
                f"CPU {cost.cpu:5.2f} ms, {cost.found} found"
            )
    index.close()
    start = time.perf_counter()
    opened = Index(Folder(directory))
    say(f"opened again in {1_000 * (time.perf_counter() - start):.0f} ms at {opened.position:,}")
    opened.close()


def one_by_one(index: Index, words: Sequence[str], tickets: int, commits: int = 30) -> None:
    """Cost of a commit of one event, the dearest way to index."""
    writer, cpu, start = Writer(index), time.process_time(), time.perf_counter()
    for number, stored in enumerate(events(commits, words, random.Random(2)), start=1):
        again = Stored(tickets + number, stored.subject, stored.data, HEADERS)
        writer.apply([again], at_end=True)
    say(
        f"a commit of one event: {1_000 * (time.perf_counter() - start) / commits:.0f} ms, "
        f"{1_000 * (time.process_time() - cpu) / commits:.1f} ms of CPU"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=10_000)
    options = parser.parse_args()
    # Not in memory: /tmp is on some machines.
    with tempfile.TemporaryDirectory(dir=os.environ.get("SEARCH_DIR") or None) as folder:
        main(options.tickets, Path(folder))
