"""Looks after the dead letters of the stream that NATS_URL names."""

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TextIO

import orjson

from common.base import times
from common.messaging.dead_letters import DeadLetters, Letter
from common.messaging.jetstream.operator import operate
from common.messaging.nats_connection import Identity
from common.messaging.stream import Stream, StreamSpec

PAGE = 50


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m common.dead_letters", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="one line each, oldest first")
    listing.add_argument("--queue-group")
    listing.add_argument("--after", type=int, default=0, metavar="SEQ", help="where the last page ended")
    listing.add_argument("--limit", type=int, default=PAGE)
    listing.add_argument("--dropped", action="store_true", help="those that were dropped, and why")
    show = commands.add_parser("show", help="everything about one")
    show.add_argument("sequence", type=int, metavar="SEQ")
    replay = commands.add_parser("replay", help="hand it to its queue group again, alone")
    drop = commands.add_parser("drop", help="give it up; kept under dropped.> for 90 days")
    for command in (replay, drop):
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument("sequences", type=int, nargs="*", default=[], metavar="SEQ")
        which.add_argument("--all", action="store_true")
        command.add_argument("--queue-group", help="with --all: only those of this group")
    drop.add_argument("--reason", required=True)
    return parser.parse_args(arguments)


async def run(options: argparse.Namespace, stream: Stream, out: TextIO) -> int:
    """The exit code: 1 if a dead letter that was asked for is not there."""
    letters = DeadLetters(stream)
    if options.command == "list":
        return await _list(letters, options, out)
    if options.command == "show":
        letter = await letters.find(options.sequence)
        out.write(_nothing(options.sequence) if letter is None else _whole(letter))
        return int(letter is None)
    missing = 0
    async for sequence, letter in _chosen(letters, options):
        if letter is None:
            missing += 1
            out.write(_nothing(sequence))
        elif options.command == "replay":
            await letters.replay(letter)
            out.write(f"replayed {_line(letter)}")
        else:
            await letters.drop(letter, options.reason)
            out.write(f"dropped  {_line(letter)}")
    return int(missing > 0)


async def _list(letters: DeadLetters, options: argparse.Namespace, out: TextIO) -> int:
    shown = 0
    last = options.after
    found = letters.letters(options.queue_group, options.after, dropped=options.dropped)
    async with aclosing(found):
        async for letter in found:
            if shown == options.limit:
                out.write(f"more: --after {last}\n")
                break
            out.write(_line(letter))
            shown, last = shown + 1, letter.sequence
    return 0


async def _chosen(
    letters: DeadLetters, options: argparse.Namespace
) -> AsyncIterator[tuple[int, Letter | None]]:
    if options.all:
        async for letter in letters.letters(options.queue_group):
            yield letter.sequence, letter
    for sequence in options.sequences:
        yield sequence, await letters.find(sequence)


def _line(letter: Letter) -> str:
    age = int((times.now() - letter.at).total_seconds())
    words = (
        f"{letter.sequence:>7}  {letter.queue_group:<11} {letter.subject}"
        f"  {letter.attempts} attempts  {_span(age)}  {letter.reason}"
    )
    return f"{_printable(words)[:300]}\n"


def _whole(letter: Letter) -> str:
    lines = [
        f"sequence     {letter.sequence}, number {letter.first_sequence} of the event stream",
        f"queue group  {letter.queue_group}",
        f"subject      {letter.subject}",
        f"attempts     {letter.attempts}",
        f"since        {times.iso(letter.at)}",
        f"reason       {letter.reason}",
        *(f"header       {name}: {value}" for name, value in sorted(letter.headers.items())),
        *_payload(letter.data),
    ]
    return "".join(f"{_printable(line)}\n" for line in lines)


def _payload(data: bytes) -> Sequence[str]:
    """As indented JSON, or, where it is none, as it is."""
    try:
        return orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2).decode().splitlines()
    except orjson.JSONDecodeError:
        return [repr(data)]


def _nothing(sequence: int) -> str:
    return f"there is no dead letter {sequence}\n"


def _span(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{max(seconds, 0)} s"


def _printable(text: str) -> str:
    """Escapes control characters: a message must not control the terminal that shows it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


async def main(
    options: argparse.Namespace, nats_url: str, spec: StreamSpec, identity: Identity | None = None
) -> int:
    return await operate(
        "dead-letters", nats_url, spec, lambda stream: run(options, stream, sys.stdout), identity
    )
