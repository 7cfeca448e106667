"""Keys of the broker's users, and the command that makes them."""

import pytest

from common.messaging.seeds import key_variable, new_seed, public_key, seed_variable
from common.testing.process import run_module


def test_a_seed_has_one_public_key_and_no_other_seed_has_it() -> None:
    seeds = [new_seed() for _ in range(20)]

    assert len({public_key(seed) for seed in seeds}) == 20
    assert public_key(seeds[0]) == public_key(seeds[0])
    assert {(len(seed), seed[:2]) for seed in seeds} == {(58, "SU")}


@pytest.mark.parametrize("text", ["", "SU", "x" * 58, public_key(new_seed()), "SUé" + "A" * 55])
def test_what_is_no_seed_of_a_user_has_no_public_key(text: str) -> None:
    with pytest.raises(ValueError, match="not the seed"):
        public_key(text)


def test_the_command_prints_the_two_keys_of_each_user_as_an_environment_file() -> None:
    ended = run_module("common.seeds", "tickets", "orders", environment={})

    found = dict(line.split("=", 1) for line in ended.stdout.splitlines())
    users = ("TICKETS", "ORDERS")
    assert list(found) == [f"NATS_{user}_{kind}" for user in users for kind in ("SEED", "KEY")]
    for user in users:
        assert public_key(found[f"NATS_{user}_SEED"]) == found[f"NATS_{user}_KEY"]


def test_the_variables_of_a_user_are_named_for_it() -> None:
    assert (key_variable("auth"), seed_variable("auth")) == ("NATS_AUTH_KEY", "NATS_AUTH_SEED")
