import httpx
import pytest

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.error_codes import ErrorCode
from common.testing import hostile
from common.testing.answers import codes_of, errors_of, message_of
from common.testing.browser import signed_in
from tests.builders import Shop


@pytest.mark.parametrize(
    "literal", hostile.LITERALS + hostile.NUMERIC_STRINGS, ids=lambda literal: literal[:24]
)
async def test_a_hostile_ticket_id_is_a_bad_request(
    client: httpx.AsyncClient, buyer: CurrentUser, literal: str
) -> None:
    headers = signed_in(buyer) | hostile.JSON

    response = await client.post("/api/orders", content=f'{{"ticketId": {literal}}}', headers=headers)

    assert set(codes_of(response, 400).values()) <= set(ErrorCode)


@pytest.mark.parametrize("body", hostile.BODIES, ids=lambda body: repr(body[:12]))
async def test_a_body_that_is_no_json_object_is_a_bad_request(
    client: httpx.AsyncClient, buyer: CurrentUser, body: bytes
) -> None:
    response = await client.post("/api/orders", content=body, headers=signed_in(buyer) | hostile.JSON)

    assert set(codes_of(response, 400).values()) <= set(ErrorCode)


async def test_an_unknown_field_is_refused(shop: Shop) -> None:
    offer = await shop.an_offer()

    response = await shop.post({"ticketId": offer.id, "discount": 1})

    assert errors_of(response, 400) == [{"message": "Unknown field", "field": "discount"}]


async def test_a_body_of_another_type_is_refused(client: httpx.AsyncClient, buyer: CurrentUser) -> None:
    response = await client.post("/api/orders", data={"ticketId": new_id()}, headers=signed_in(buyer))

    assert message_of(response, 400) == "Content-Type must be application/json"


async def test_a_body_of_a_megabyte_is_too_large(shop: Shop) -> None:
    assert message_of(await shop.post({"ticketId": "x" * 1_000_000}), 413) == "Body too large"


@pytest.mark.parametrize("order_id", hostile.PATH_IDS, ids=lambda text: text[:24])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_hostile_id_is_not_found(
    client: httpx.AsyncClient, buyer: CurrentUser, method: str, order_id: str
) -> None:
    response = await client.request(method, f"/api/orders/{order_id}", headers=signed_in(buyer))

    assert message_of(response, 404) == "Not found"


@pytest.mark.parametrize("literal", hostile.LITERALS, ids=lambda literal: literal[:24])
@pytest.mark.parametrize("field", ["reason", "words"])
async def test_a_hostile_claim_is_a_bad_request_or_words(
    client: httpx.AsyncClient, buyer: CurrentUser, field: str, literal: str
) -> None:
    """Words that are fine as text meet an order that is not there."""
    good = {"reason": '"not-valid"', "words": '"It was not."'} | {field: literal}
    body = ",".join(f'"{name}": {value}' for name, value in good.items())
    headers = signed_in(buyer) | hostile.JSON

    response = await client.post(f"/api/orders/{new_id()}/claims", content=f"{{{body}}}", headers=headers)

    assert response.status_code in ({400} if field == "reason" else {400, 404}), response.text
