"""A running blog, for tests that kill and stop its parts."""

from typing import Any, Protocol


class Blog(Protocol):
    """A running blog. Services have the names of `python -m blog`; the store is `nats`."""

    @property
    def edge(self) -> str:
        """URL of the page in a browser."""
        ...

    @property
    def address(self) -> str:
        """URL of the edge without DNS. A request has to send the page's host as `Host`."""
        ...

    @property
    def nats(self) -> str: ...

    async def own(self, name: str, path: str) -> Any:
        """The service's own JSON response to a GET of `path`, without the edge."""
        ...

    async def kill(self, name: str) -> None:
        """Kills the process as a crash would. It is restarted; `ready` then waits for the new one."""
        ...

    async def stop(self, name: str) -> None:
        """Stops the process until `start`."""
        ...

    async def start(self, name: str) -> None:
        """Starts a stopped process."""
        ...

    async def whole(self) -> None:
        """Starts all stopped processes, and returns once all are ready."""
        ...

    async def ready(self, *names: str) -> None:
        """Returns once these services, or all if none is named, have replayed the stored events."""
        ...
