"""Bound of the security log: a flood of refusals must neither fill a disk nor hide what else happens."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from ipaddress import ip_network

from common.base import security
from common.base.security import SecurityEvent

SECONDS = 60.0
LINES_PER_ADDRESS = 10
"""Lines of one event and client address in a minute."""
LINES_PER_EVENT = 300
"""Lines of one event in a minute, over all addresses."""
MAX_ADDRESSES = 10_000
"""Pairs of event and address that are counted in a minute. Those beyond share one count for each event."""
REPORTED = 20
"""Addresses with a line of their own when the minute is over; one line for each event sums up the rest."""

_Key = tuple[str, str]
"""Event, and IPv4 address or 64-bit IPv6 network: a customer has all addresses of one."""
_OTHERS = ""


class FloodFilter(logging.Filter):
    """Passes so many warnings of an event in a minute; then one line for each address, with their number.

    Other lines pass: a sign-in that succeeded has cost the work of a password's hash, and is not bounded.
    The number is lost where the process ends before the minute does.

    clock: Seconds, from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._ends = 0.0
        self._begin()

    def _begin(self) -> None:
        self._ends = self._clock() + SECONDS
        self._seen = Counter[_Key]()
        self._written = Counter[str]()
        self._suppressed = Counter[_Key]()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or hasattr(record, "suppressed"):
            return True
        if self._clock() >= self._ends:
            self.report()
        event = str(getattr(record, "event", ""))
        key = self._key(event, str(getattr(record, "client_address", "")))
        self._seen[key] += 1
        if self._seen[key] <= LINES_PER_ADDRESS and self._written[event] < LINES_PER_EVENT:
            self._written[event] += 1
            return True
        if not self._suppressed:
            self._report_later()
        self._suppressed[key] += 1
        return False

    def _key(self, event: str, address: str) -> _Key:
        key = (event, network_of(address))
        return key if key in self._seen or len(self._seen) < MAX_ADDRESSES else (event, _OTHERS)

    def _report_later(self) -> None:
        """Where there is no event loop, the next event after the minute reports."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        loop.call_later(max(0.0, self._ends - self._clock()), self.report, context=Context())

    def report(self) -> None:
        """Writes how many events had no line, and begins the next minute."""
        suppressed = self._suppressed
        self._begin()
        rest = Counter[str]()
        named = 0
        for (event, address), count in suppressed.most_common():
            if named < REPORTED and address != _OTHERS:
                named += 1
                security.write(SecurityEvent(event), {"client_address": address, "suppressed": count})
            else:
                rest[event] += count
        for event, count in rest.items():
            security.write(SecurityEvent(event), {"suppressed": count})


def network_of(address: str) -> str:
    """ "203.0.113.9" of itself, "2001:db8::/64" of "2001:db8::9"; other text as it is."""
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:
        return address
