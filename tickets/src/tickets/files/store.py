"""Object store of the sealed files: a folder, or S3 and its like, by the scheme of `FILES_URL`."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from common.base.errors import Outage

SCHEMES = ("file", "s3", "gs", "az", "memory")
TIMEOUT = "20s"
PAGE = 200
"""Objects of one page of a list."""


class BadUrl(ValueError):
    """No URL of an object store that can be opened."""


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    modified: datetime


def checked_url(url: str) -> str:
    """`file:///folder`, made if it is missing; `s3://bucket/prefix`, `gs://`, `az://`; `memory:///` in tests.

    Raises BadUrl for another one, and for a folder that can't be made.
    """
    _opened(url)
    return url


class Objects:
    """Every method raises Outage while the store is out of reach.

    The credentials of a cloud's store are in the environment, under the names of its own tools.
    """

    def __init__(self, url: str) -> None:
        self._store = _opened(url)

    async def put(self, name: str, content: bytes) -> None:
        with _translated():
            await self._store.put_async(name, content)

    async def get(self, name: str) -> bytes | None:
        """None where there is no such object."""
        with _translated():
            try:
                found = await self._store.get_async(name)
                return bytes(await found.bytes_async())
            except FileNotFoundError:
                return None

    async def delete(self, name: str) -> None:
        """Idempotent."""
        with _translated():
            try:
                await self._store.delete_async(name)
            except FileNotFoundError:
                return

    async def pages(self) -> AsyncIterator[Sequence[Listed]]:
        """All objects, at most PAGE of them at a time, in no order."""
        with _translated():
            async for page in self._store.list_async(chunk_size=PAGE):
                yield [Listed(entry["path"], entry["last_modified"]) for entry in page]


def _opened(url: str) -> ObjectStore:
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or (scheme != "memory" and not rest.strip("/")):
        raise BadUrl(f"not a URL of {', '.join(SCHEMES)}")
    try:
        if scheme == "memory":
            return MemoryStore()
        if scheme == "file":
            return LocalStore.from_url(url, mkdir=True)
        return from_url(url, client_options={"timeout": TIMEOUT})
    except (BaseError, OSError) as error:
        raise BadUrl(str(error).splitlines()[0]) from None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise Outage(f"object store: {error!r}") from error
