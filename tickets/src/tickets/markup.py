"""Limit of a price above the face value: `MAX_MARKUP_PERCENT`."""

from dataclasses import dataclass

from common.base.money import Money
from tickets.errors import FaceValueRequired, PriceAboveMarkup


@dataclass(frozen=True, slots=True)
class Markup:
    """percent: Of the face value; None for no limit."""

    percent: int | None = None

    def check(self, price: Money, face_value: Money | None) -> None:
        """Raises FaceValueRequired and PriceAboveMarkup."""
        if self.percent is None:
            return
        if face_value is None:
            raise FaceValueRequired()
        most = Money(face_value.cents * (100 + self.percent) // 100)
        if price > most:
            raise PriceAboveMarkup(most, self.percent)
