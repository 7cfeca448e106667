"""Every code has a message, and the code alone chooses it."""

import httpx
import pytest
from tests.conftest import As
from tests.dom import alerts, page
from tests.fake_apis import FakeApis, entry

from client.messages import MESSAGE_OF_THE_API, MESSAGES, message_for
from client.upstream import refusal
from common.contract.error_codes import ErrorCode
from common.testing.browser import a_user


def test_every_code_of_the_contract_has_its_words() -> None:
    assert set(MESSAGES) | MESSAGE_OF_THE_API == set(ErrorCode)
    assert set(MESSAGES) & MESSAGE_OF_THE_API == set()
    assert all(MESSAGES.values())


def test_the_code_alone_chooses_the_words() -> None:
    assert message_for("ticket-reserved", "Other words") == "Ticket is already reserved"
    assert message_for("title-required", "Ticket is already reserved") == "Enter a title"


@pytest.mark.parametrize("code", ["not-known-yet", "card-declined", "bad-request"])
def test_where_a_code_has_no_words_the_apis_message_is_shown(code: str) -> None:
    assert message_for(code, "The API's own words") == "The API's own words"


@pytest.mark.parametrize("code", ["ticket-reserved", "not-known-yet"])
async def test_only_a_reserved_ticket_is_waited_for(as_user: As, apis: FakeApis, code: str) -> None:
    """The tickets service may still show the ticket as available."""
    ticket = apis.sell()
    apis.order(a_user(), ticket)
    apis.orders_hidden = 2
    apis.reserved_code = code

    answer = await as_user(a_user()).post(f"/tickets/{ticket.id}/purchase", data={"price": "20"})

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["Ticket is already reserved"]
    looks = len(apis.calls("GET", f"/api/tickets/{ticket.id}"))
    assert looks == (4 if code == "ticket-reserved" else 1)


def answered(status: int, **of_entry: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [of_entry]})


def test_a_refusal_keeps_the_codes_of_its_answer() -> None:
    entries = [entry("title-required", "Title?", "title"), entry("price-too-low", "Price?", "price")]
    error = refusal(httpx.Response(400, json={"errors": entries}))

    assert error.code == "title-required"
    assert [(e.code, e.message, e.field) for e in error.entries] == [
        ("title-required", "Title?", "title"),
        ("price-too-low", "Price?", "price"),
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad-request"),
        (401, "not-authorized"),
        (402, "payment-required"),
        (403, "cross-site"),
        (404, "not-found"),
        (413, "body-too-large"),
        (500, "internal-error"),
        (502, "unavailable"),
    ],
)
def test_an_answer_without_a_code_has_that_of_its_status(status: int, code: str) -> None:
    assert refusal(answered(status, message="Some words")).entries[0].code == code
    assert refusal(httpx.Response(status, text="<html>")).entries[0].code == code
