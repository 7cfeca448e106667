"""Declares the streams of NATS_URL, shows what they and their consumers are declared for, narrows them.

`declare` only ever widens, as services do with their consumers, so that two versions can run side by side.
A subject that no version publishes, or listens to, any more is taken away by hand, after the rollout.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TextIO

import nats.js.errors
from nats.aio.client import Client

from common.messaging.jetstream.declarations import (
    Storage,
    declare_streams,
    filters,
    narrow_consumer,
    narrow_stream,
)
from common.messaging.jetstream.operator import operate
from common.messaging.jetstream.pull_consumer import translated
from common.messaging.jetstream.stream import DEFAULT_STORAGE, JetStream
from common.messaging.nats_connection import Identity
from common.messaging.stream import StreamSpec


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m common.declarations", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("declare", help="the streams that this version needs, before its processes start")
    commands.add_parser("list", help="the subjects of the stream and of each consumer")
    narrow = commands.add_parser("narrow", help="take one subject away from the stream or from a consumer")
    narrow.add_argument("subject", help='as the list shows it, such as "refund.>"')
    narrow.add_argument("--consumer", help="only this consumer's filter, such as tickets")
    return parser.parse_args(arguments)


async def run(
    options: argparse.Namespace,
    client: Client,
    spec: StreamSpec,
    out: TextIO,
    storage: Storage = DEFAULT_STORAGE,
) -> int:
    """The exit code: 1 if the subject can't be taken away, with the reason in `out`.

    Raises `errors.Unavailable` where the streams can't be declared.
    """
    if options.command == "declare":
        with translated("The streams can't be declared"):
            await declare_streams(client, spec, replace(storage, permanent=True))
    if options.command in {"declare", "list"}:
        await _list(client, spec, out)
        return 0
    try:
        if options.consumer is None:
            await narrow_stream(client, spec.name, options.subject)
        else:
            await narrow_consumer(client, spec.name, options.consumer, options.subject)
    except (ValueError, nats.js.errors.APIError) as error:
        out.write(f"{error}\n")
        return 1
    out.write(f"{options.consumer or spec.name} without {options.subject}\n")
    return 0


async def _list(client: Client, spec: StreamSpec, out: TextIO) -> None:
    context = client.jetstream()
    stream = (await context.stream_info(spec.name)).config
    out.write(f"stream    {spec.name:<12} {' '.join(sorted(stream.subjects or ()))}\n")
    consumers = await context.consumers_info(spec.name)
    for consumer in sorted(consumers, key=lambda each: each.name):
        if consumer.config.durable_name is not None:
            out.write(f"consumer  {consumer.name:<12} {' '.join(sorted(filters(consumer.config)))}\n")


async def main(
    options: argparse.Namespace,
    nats_url: str,
    spec: StreamSpec,
    identity: Identity | None = None,
    storage: Storage = DEFAULT_STORAGE,
) -> int:
    async def work(stream: JetStream) -> int:
        return await run(options, stream.client, spec, sys.stdout, storage)

    return await operate("declarations", nats_url, spec, work, identity)
