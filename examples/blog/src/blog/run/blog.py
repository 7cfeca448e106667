"""A blog that runs somewhere, as those see it who try what it survives."""

from typing import Any, Protocol


class Blog(Protocol):
    """Its services are called by their names, as `python -m blog` has them, and its store `nats`."""

    @property
    def edge(self) -> str:
        """The page's address, as a browser has it."""
        ...

    @property
    def address(self) -> str:
        """Where that is, for whoever has no name server to ask: with the page's host as `Host`."""
        ...

    @property
    def nats(self) -> str: ...

    async def own(self, name: str, path: str) -> Any:
        """What the service itself answers to a GET of `path`, past the edge: JSON."""
        ...

    async def kill(self, name: str) -> None:
        """As a crash would. Something starts it again; `ready` then waits for the new one."""
        ...

    async def stop(self, name: str) -> None:
        """Until `start`."""
        ...

    async def start(self, name: str) -> None:
        """Once it was stopped."""
        ...

    async def whole(self) -> None:
        """Starts what is stopped, and returns once all are ready."""
        ...

    async def ready(self, *names: str) -> None:
        """Returns once these services, or all, have replayed what happened."""
        ...
