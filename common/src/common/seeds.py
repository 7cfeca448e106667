"""`python -m common.seeds USER…`: new keys of the broker's users, as lines of an environment file.

Two lines for each: `NATS_<USER>_SEED`, a secret of that user alone, and `NATS_<USER>_KEY` for the server.
"""

import sys

from common.messaging.seeds import key_variable, new_seed, public_key, seed_variable


def lines(user: str) -> str:
    seed = new_seed()
    return f"{seed_variable(user)}={seed}\n{key_variable(user)}={public_key(seed)}\n"


if __name__ == "__main__":
    sys.stdout.writelines(map(lines, sys.argv[1:]))
