"""Plan of one walk: the order of the replacements, and which processes are killed, from the seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.verify.rollout.fleet import COPIES, KINDS, MEMBERS, Restart

KILL_EVERY = 4


@dataclass(frozen=True, slots=True)
class Direction:
    """One walk over all processes. `forward`: to the new version, else back to the old one."""

    name: str
    forward: bool


DIRECTIONS = (
    Direction("forward", True),
    Direction("back", False),
    Direction("forward again", True),
)


def restarts(seed: int, walk: int, at_once: int = 1) -> Iterator[Sequence[Restart]]:
    """Restarts of every process, in groups of at most `at_once` that run at the same time.

    First one process of each kind, then the others: versions mix for as long as possible, and the two
    processes of a kind are never replaced at the same time. Every fourth is killed, in a group apart: what
    fails meanwhile has another reason.
    """
    chance = random.Random(f"{seed}:{walk}")
    firsts = {kind: chance.randrange(COPIES) for kind in KINDS}
    kills = {place for place in range(len(MEMBERS)) if place % KILL_EVERY == walk % KILL_EVERY}
    for turn in range(COPIES):
        members = [
            f"{kind}-{(firsts[kind] + turn) % COPIES + 1}" for kind in chance.sample(KINDS, len(KINDS))
        ]
        planned = [
            Restart(member, kill=turn * len(KINDS) + place in kills) for place, member in enumerate(members)
        ]
        groups = [
            group
            for kill in (False, True)
            for group in batched([restart for restart in planned if restart.kill is kill], at_once)
        ]
        yield from chance.sample(groups, len(groups))


def batched(items: Sequence[Restart], size: int) -> Iterator[Sequence[Restart]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
