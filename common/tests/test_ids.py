import pytest

from common.ids import is_id, new_id


def test_ids_are_24_hexadecimal_digits_and_grow() -> None:
    ids = [new_id() for _ in range(1000)]

    assert all(is_id(one) for one in ids)
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "null", "a" * 23, "a" * 25, "g" * 24, "A" * 24, "a" * 24 + "\n", "\u0661" * 24),
        *(" " + "a" * 23, "a" * 23 + "\x00", "x" * 100_000),
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert not is_id(text)
