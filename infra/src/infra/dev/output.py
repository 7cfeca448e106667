"""Output of the runner: the lines of its processes, each behind the process's name."""

from asyncio import StreamReader
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TextIO

from infra.dev.log_lines import readable

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94, 31)
_LONGEST_LINE = 256 * 1024
EMPTY: Mapping[str, Sequence[bytes]] = MappingProxyType({})


class Output:
    """Writes to one stream, coloured on a terminal.

    unwanted: Marks of lines to leave out, by the process's name.
    for_people: Whether JSON log lines are written in words; by default on a terminal.
    """

    def __init__(
        self,
        names: Sequence[str],
        stream: TextIO,
        unwanted: Mapping[str, Sequence[bytes]] = EMPTY,
        for_people: bool | None = None,
    ) -> None:
        self._stream = stream
        self.for_people = stream.isatty() if for_people is None else for_people
        self._unwanted = unwanted
        self._width = max(map(len, names), default=0)
        colours = self._stream.isatty()
        self._prefix = {name: self._label(name, i, colours) for i, name in enumerate(names)}

    def _label(self, name: str, index: int, coloured: bool) -> str:
        text = f"{name:<{self._width}} |"
        return f"\x1b[{_COLOURS[index % len(_COLOURS)]}m{text}\x1b[0m" if coloured else text

    def note(self, text: str) -> None:
        """Write a message of the runner itself."""
        self._write(f"── {text}\n")

    def line(self, name: str, text: str) -> None:
        """Write a line behind the process's name."""
        self._write(f"{self._prefix[name]} {text}\n")

    async def copy(self, name: str, reader: StreamReader) -> None:
        """Write the lines of a process until the end of its output."""
        rest = b""
        while chunk := await reader.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            self._lines(name, lines)
        if rest:
            self._lines(name, [rest])

    def _lines(self, name: str, lines: Sequence[bytes]) -> None:
        prefix, unwanted = self._prefix[name], self._unwanted.get(name, ())
        lines = [line for line in lines if line.strip() and not any(mark in line for mark in unwanted)]
        texts = [line.decode(errors="replace").rstrip() for line in lines]
        if self.for_people:
            texts = [part for text in texts if (said := readable(text)) for part in said.splitlines()]
        self._write("".join(f"{prefix} {text}\n" for text in texts))

    def _write(self, text: str) -> None:
        """Write; ignore a reader that has gone (`make run | head`)."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._stream = open("/dev/null", "w")  # noqa: SIM115 (open for the rest of the run)
