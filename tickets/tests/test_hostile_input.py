import httpx
import pytest

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.error_codes import ErrorCode
from common.testing import hostile
from common.testing.answers import codes_of, errors_of, message_of
from common.testing.browser import signed_in
from tests.builders import Market


@pytest.mark.parametrize(
    ("field", "literal"),
    [
        *(("title", literal) for literal in hostile.LITERALS),
        *(("price", literal) for literal in hostile.LITERALS + hostile.NUMERIC_STRINGS),
    ],
    ids=lambda text: text[:24],
)
async def test_a_hostile_value_is_a_bad_request(
    client: httpx.AsyncClient, seller: CurrentUser, field: str, literal: str
) -> None:
    good = {"title": '"Concert"', "price": "20"} | {field: literal}
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in good.items()) + "}"

    response = await client.post("/api/tickets", content=body, headers=signed_in(seller) | hostile.JSON)

    assert set(codes_of(response, 400).values()) <= set(ErrorCode)


@pytest.mark.parametrize("body", hostile.BODIES, ids=lambda body: repr(body[:12]))
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_body_that_is_no_json_object_is_a_bad_request(
    client: httpx.AsyncClient, seller: CurrentUser, method: str, body: bytes
) -> None:
    path = "/api/tickets" if method == "POST" else f"/api/tickets/{new_id()}"

    response = await client.request(method, path, content=body, headers=signed_in(seller) | hostile.JSON)

    assert set(codes_of(response, 400).values()) <= set(ErrorCode)


async def test_an_unknown_field_is_refused(market: Market) -> None:
    response = await market.post({"title": "Concert", "price": 20, "version": 7, "userId": "x"})

    assert errors_of(response, 400) == [
        {"message": "Unknown field", "field": "version"},
        {"message": "Unknown field", "field": "userId"},
    ]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
async def test_a_body_of_another_type_is_refused(
    client: httpx.AsyncClient, seller: CurrentUser, content_type: str
) -> None:
    headers = signed_in(seller) | {"Content-Type": content_type}

    response = await client.post("/api/tickets", content=b'{"title":"x","price":1}', headers=headers)

    assert message_of(response, 400) == "Content-Type must be application/json"


async def test_a_charset_does_not_matter(client: httpx.AsyncClient, seller: CurrentUser) -> None:
    headers = signed_in(seller) | {"Content-Type": "Application/JSON; charset=utf-8"}

    response = await client.post("/api/tickets", content=b'{"title":"x","price":1}', headers=headers)

    assert response.status_code == 201


async def test_a_body_of_a_megabyte_is_too_large(market: Market) -> None:
    response = await market.post({"title": "x" * 1_000_000, "price": 20})

    assert message_of(response, 413) == "Body too large"


@pytest.mark.parametrize("ticket_id", hostile.PATH_IDS, ids=lambda text: text[:24])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_hostile_id_is_not_found(
    client: httpx.AsyncClient, seller: CurrentUser, method: str, ticket_id: str
) -> None:
    body = {"title": "x", "price": 1} if method == "PUT" else None
    path = f"/api/tickets/{ticket_id}"

    response = await client.request(method, path, json=body, headers=signed_in(seller))

    assert message_of(response, 404) == "Not found"
