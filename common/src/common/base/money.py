"""Money: exact integer cents inside, a JSON number with at most two decimals on the wire."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler, GetPydanticSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from common.base.errors import InvalidValue

MAX_UNITS = 1_000_000
MAX_CHARACTERS = 100
"""Of a numeric string. The work on it grows with its length, and no amount needs that many."""
_NUMBER = "Price must be a number, such as 20.50"
_POSITIVE = "Price must be greater than 0"
_PLAIN = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
"""An amount as a person types it. Decimal alone would also accept 1_000, and exponents that round to 0."""


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in whole cents of the marketplace's one currency."""

    cents: int

    @classmethod
    def parse(cls, value: object) -> "Money":
        """The amount of a JSON number or a numeric string ("20.00").

        Raises InvalidValue, with a message for the person who typed it, unless 0 < value <= 1,000,000 with at
        most two decimals. A float is read by its shortest decimal form, so 19.99 is 1999, never 1998.
        """
        amount = _decimal(value)
        if amount <= 0:
            raise _too_low()
        if amount > MAX_UNITS:
            raise _too_high()
        cents = amount * 100
        if cents != cents.to_integral_value():
            raise InvalidValue("Price must have at most two decimals", "price-too-precise")
        return cls(int(cents))

    def to_number(self) -> int | float:
        """The JSON number: 2000 cents → 20, 1999 cents → 19.99."""
        return self.cents // 100 if self.cents % 100 == 0 else self.cents / 100

    def __str__(self) -> str:
        return f"{self.cents // 100}.{self.cents % 100:02d}"


def number(text: str) -> Decimal:
    """The number of a numeric string, such as "20.00", of any size. Raises InvalidValue for another text."""
    plain = text.strip()
    if len(plain) > MAX_CHARACTERS or _PLAIN.fullmatch(plain) is None:
        raise _not_a_price()
    return Decimal(plain)


def _decimal(value: object) -> Decimal:
    if value is None or (isinstance(value, str) and not value.strip()):
        # Missing: in the words of the contract.
        raise InvalidValue(_POSITIVE, "price-invalid")
    if isinstance(value, str):
        return number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_a_price()
    if isinstance(value, int) and value > MAX_UNITS:
        # Here, since thousands of digits are more than Python turns into text.
        raise _too_high()
    if isinstance(value, int) and value <= 0:
        raise _too_low()
    amount = Decimal(str(value))
    if not amount.is_finite():
        raise _not_a_price()
    return amount


def _not_a_price() -> InvalidValue:
    return InvalidValue(_NUMBER, "price-invalid")


def _too_low() -> InvalidValue:
    return InvalidValue(_POSITIVE, "price-too-low")


def _too_high() -> InvalidValue:
    return InvalidValue(f"Price must be at most {MAX_UNITS}", "price-too-high")


def _validate(value: Any) -> Money:
    return value if isinstance(value, Money) else Money.parse(value)


def _schema(_core: core_schema.CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_UNITS, "multipleOf": 0.01}


Price = Annotated[
    Money,
    GetPydanticSchema(
        lambda _source, _handler: core_schema.no_info_plain_validator_function(
            _validate, serialization=core_schema.plain_serializer_function_ser_schema(Money.to_number)
        ),
        _schema,
    ),
]
"""A model's field that is `Money` in Python and a JSON number on the wire."""
