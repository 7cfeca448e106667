"""The newest mails, each a file `<number>.eml` in a folder that only its owner can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

MOST = 500
"""Mails that are kept: the oldest goes when a further one comes."""


@dataclass(frozen=True, slots=True)
class Mail:
    """number: Counts up; the newest has the highest."""

    number: int
    message: EmailMessage

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    def _body(self, kind: str) -> str:
        """ "" for a mail without such a part, or with one whose bytes are not text."""
        part = self.message.get_body((kind,))
        try:
            return "" if part is None else str(part.get_content())
        except (LookupError, UnicodeError):
            return ""


class Store:
    def __init__(self, folder: Path, most: int = MOST) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._most = most
        self._last = max(self.numbers(), default=0)

    def numbers(self) -> Sequence[int]:
        """Of the mails that are kept, the newest first."""
        names = (file.stem for file in self._folder.glob("*.eml"))
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def add(self, content: bytes) -> None:
        """Keeps a mail; it is found whole or not at all."""
        self._last += 1
        draft = self._folder / "draft"
        draft.write_bytes(content)
        draft.rename(self._file(self._last))
        for number in self.numbers()[self._most :]:
            self._file(number).unlink(missing_ok=True)

    def get(self, number: int) -> Mail | None:
        try:
            content = self._file(number).read_bytes()
        except FileNotFoundError:
            return None
        return Mail(number, BytesParser(policy=policy.default).parsebytes(content))

    def all(self) -> Sequence[Mail]:
        """The newest first."""
        return [mail for number in self.numbers() if (mail := self.get(number))]

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:08}.eml"
