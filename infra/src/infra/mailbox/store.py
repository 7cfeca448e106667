"""The newest mails, each a file `<number>.eml` in a folder that only its owner can read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage, MIMEPart
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

    def header(self, name: str) -> str:
        """ "" for a mail without it, or with one that can't be read."""
        return _readable(lambda: self.message[name])

    def _body(self, kind: str) -> str:
        """ "" for a mail without such a part, or with one that can't be read."""
        part = _readable_part(self.message, kind)
        return "" if part is None else _readable(part.get_content)


def _readable(read: Callable[[], object]) -> str:
    try:
        text = str(read() or "")
    except Exception:
        # The standard library fails on hostile mails in many ways, RecursionError among them. One such mail
        # must not hide the others.
        return ""
    return text.encode("utf-8", "replace").decode()


def _readable_part(message: EmailMessage, kind: str) -> MIMEPart | None:
    try:
        return message.get_body((kind,))
    except Exception:
        return None  # as in `_readable`


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
