"""The contract's list of codes."""

import re

import pytest

from common.base import errors
from common.base.errors import AppError, InvalidValue
from common.base.money import Money
from common.contract.error_codes import ErrorCode

CONSTANTS = (
    errors.UNKNOWN_FIELD,
    errors.METHOD_NOT_ALLOWED,
    errors.BODY_INVALID,
    errors.CONTENT_TYPE_INVALID,
    errors.CONTENT_LENGTH_INVALID,
    errors.NOT_READY,
)


def test_every_code_is_in_kebab_case_and_is_called_as_it_reads() -> None:
    for code in ErrorCode:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert code.name == code.upper().replace("-", "_")


def generic(kind: type[AppError] = AppError) -> set[str]:
    """The codes of the errors that `common` declares."""
    kinds = [one for one in kind.__subclasses__() if one.__module__.startswith("common.")]
    return {kind.code}.union(*(generic(one) for one in kinds))


def test_the_generic_codes_are_in_the_contract() -> None:
    assert len(generic()) > 8
    assert generic().union(CONSTANTS) <= set(ErrorCode)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (None, ErrorCode.PRICE_INVALID),
        ("", ErrorCode.PRICE_INVALID),
        *((text, ErrorCode.PRICE_INVALID) for text in ("x", "20,50", "$20", "1e3", "\uff11\uff12")),
        (float("nan"), ErrorCode.PRICE_INVALID),
        (0, ErrorCode.PRICE_TOO_LOW),
        ("-0.01", ErrorCode.PRICE_TOO_LOW),
        *((amount, ErrorCode.PRICE_TOO_HIGH) for amount in (10**30, "9" * 30, 1e300)),
        ("1000000.01", ErrorCode.PRICE_TOO_HIGH),
        ("1.001", ErrorCode.PRICE_TOO_PRECISE),
    ],
)
def test_a_refused_price_has_a_code_of_the_contract(written: object, code: ErrorCode) -> None:
    with pytest.raises(InvalidValue) as refused:
        Money.parse(written)

    assert refused.value.code == code
