"""The children's lines, each behind its name."""

from asyncio import StreamReader
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TextIO

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94, 31)
_LONGEST_LINE = 256 * 1024
EMPTY: Mapping[str, Sequence[bytes]] = MappingProxyType({})


class Output:
    """Writes to one stream; coloured on a terminal. `unwanted`: by name, what marks a line to leave out."""

    def __init__(
        self, names: Sequence[str], stream: TextIO, unwanted: Mapping[str, Sequence[bytes]] = EMPTY
    ) -> None:
        self._stream = stream
        self._unwanted = unwanted
        self._width = max(map(len, names), default=0)
        colours = self._stream.isatty()
        self._prefix = {name: self._label(name, i, colours) for i, name in enumerate(names)}

    def _label(self, name: str, index: int, coloured: bool) -> str:
        text = f"{name:<{self._width}} |"
        return f"\x1b[{_COLOURS[index % len(_COLOURS)]}m{text}\x1b[0m" if coloured else text

    def note(self, text: str) -> None:
        """The runner's own words."""
        self._write(f"── {text}\n")

    async def copy(self, name: str, reader: StreamReader) -> None:
        """Passes lines on until the end of the stream."""
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
        self._write("".join(f"{prefix} {line.decode(errors='replace').rstrip()}\n" for line in lines))

    def _write(self, text: str) -> None:
        """A reader that went away (`make run | head`) is no reason to stop the system."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._stream = open("/dev/null", "w")  # noqa: SIM115 (open for the rest of the run)
