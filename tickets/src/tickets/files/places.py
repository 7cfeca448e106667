"""Uploads that a process receives at once: their bytes are in its memory."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tickets.errors import UploadsBusy

UPLOADS = 24
UPLOADS_OF_ONE_USER = 2


class Places:
    def __init__(self, total: int = UPLOADS, of_one_user: int = UPLOADS_OF_ONE_USER) -> None:
        self._total = total
        self._of_one_user = of_one_user
        self._taken = Counter[str]()

    @contextmanager
    def one(self, user_id: str) -> Iterator[None]:
        """A place, from before the first byte is read to the answer. Raises UploadsBusy without one."""
        if self._taken.total() >= self._total or self._taken[user_id] >= self._of_one_user:
            raise UploadsBusy()
        self._taken[user_id] += 1
        try:
            yield
        finally:
            self._taken[user_id] -= 1
            if not self._taken[user_id]:
                del self._taken[user_id]
