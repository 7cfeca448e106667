"""`MAX_MARKUP_PERCENT`: how far a price may be above the face value."""

from collections.abc import AsyncIterator

import pytest

from common.base.identity import CurrentUser
from common.base.money import Money
from common.persistence.mongo import Database
from common.testing.answers import codes_of, errors_of
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from tests.builders import Market, an_app
from tickets.errors import FaceValueRequired, PriceAboveMarkup
from tickets.markup import Markup


@pytest.mark.parametrize(
    ("percent", "face_value", "price", "allowed"),
    [
        *((20, 1000, 1200, True), (20, 1000, 1201, False)),
        *((0, 1000, 1000, True), (0, 1000, 1001, False)),
        *((20, 1001, 1201, True), (20, 1001, 1202, False)),
        (None, 1, 100_000_000, True),
    ],
)
def test_a_price_is_at_most_so_far_above_the_face_value(
    percent: int | None, face_value: int, price: int, allowed: bool
) -> None:
    if allowed:
        Markup(percent).check(Money(price), Money(face_value))
        return
    with pytest.raises(PriceAboveMarkup):
        Markup(percent).check(Money(price), Money(face_value))


def test_with_a_limit_the_face_value_has_to_be_given() -> None:
    Markup(None).check(Money(1000), None)
    with pytest.raises(FaceValueRequired):
        Markup(20).check(Money(1000), None)


@pytest.fixture
async def capped(database: Database, stream: FakeStream, seller: CurrentUser) -> AsyncIterator[Market]:
    """A market in which a price is at most a fifth above the face value."""
    async with running(an_app(database, stream, max_markup_percent=20)) as client:
        yield Market(client, stream, seller)


async def test_a_listing_above_the_limit_is_refused_beside_the_field(capped: Market) -> None:
    without = await capped.post({"title": "Concert", "price": 20})
    above = await capped.post({"title": "Concert", "price": 24.01, "faceValue": 20})

    assert codes_of(without, 400) == {"faceValue": "face-value-required"}
    assert codes_of(above, 400) == {"price": "price-above-markup"}
    assert errors_of(above, 400)[0]["message"] == (
        "Price may be at most 24.00, which is 20 % above the face value"
    )


async def test_an_edit_stays_below_the_limit(capped: Market) -> None:
    ticket = (await capped.post({"title": "Concert", "price": 24, "faceValue": 20})).json()

    answer = await capped.put(ticket, {"title": "Concert", "price": 30, "faceValue": 20})

    assert codes_of(answer, 400) == {"price": "price-above-markup"}
    assert (await capped.shown(ticket))["price"] == 24
