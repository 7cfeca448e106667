"""Plan of one walk: the order in which the processes are replaced, and those that are killed, from the seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.verify.rollout.fleet import COPIES, KINDS, Restart

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
    """Restarts of every process, in groups that run at the same time.

    First one process of each kind, then the others: versions mix for as long as possible, and the two
    processes of a kind are never replaced at the same time. Every fourth is killed.
    """
    chance = random.Random(f"{seed}:{walk}")
    firsts = {kind: chance.randint(1, COPIES) for kind in KINDS}
    number = chance.randrange(KILL_EVERY)
    for turn in range(COPIES):
        order = [f"{kind}-{(firsts[kind] + turn) % COPIES + 1}" for kind in chance.sample(KINDS, len(KINDS))]
        group = []
        for member in order:
            group.append(Restart(member, kill=number % KILL_EVERY == 0))
            number += 1
            if len(group) == at_once:
                yield group
                group = []
        if group:
            yield group
