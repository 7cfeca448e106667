"""The marketplace as client calls it, for any user."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import httpx
import pytest
from tests.apis.backends import Recorder

from client.api import Api
from client.polling import Polling
from client.schemas import Order, Ticket
from client.upstream import Upstream
from common.base.errors import AppError, NotFound
from common.base.identity import CurrentUser
from common.contract.error_codes import ErrorCode
from common.http.client_address import SignedClientAddress
from common.testing.answers import entries_of
from common.testing.browser import CLIENT_ADDRESS_KEY, a_user, signed_in

T = TypeVar("T")

POLLING = Polling(seconds=10, every=0.005)
"""Events take a moment from one service to the next. The fake has none."""


class Shop:
    def __init__(self, http: httpx.AsyncClient, answers: Recorder) -> None:
        self._http = http
        self.answers = answers
        self.seller = a_user()
        self.buyer = a_user()

    def api(self, user: CurrentUser | None) -> Api:
        """The API for a browser in which `user` is signed in."""
        cookie = {} if user is None else {b"cookie": signed_in(user)["Cookie"].encode()}
        address = "203.0.113.9"
        browser = {b"host": b"gittix.test", b"x-forwarded-for": address.encode(), **cookie}
        return Api(Upstream(self._http, browser, SignedClientAddress(CLIENT_ADDRESS_KEY), address))

    @property
    def sellers(self) -> Api:
        return self.api(self.seller)

    @property
    def buyers(self) -> Api:
        return self.api(self.buyer)

    @property
    def visitors(self) -> Api:
        return self.api(None)

    async def lists(self, title: str = "Opera", price: str = "20", **details: str) -> Ticket:
        return await self.sellers.create_ticket({"title": title, "price": price, **details})

    async def ordered(self, ticket: Ticket | None = None, buyer: Api | None = None) -> Order:
        """An order whose ticket is shown as held."""
        ticket = await self.lists() if ticket is None else ticket
        buyer = self.buyers if buyer is None else buyer
        order = await _once_known(lambda: buyer.create_order(ticket.id, ""))
        await self.is_held(ticket.id)
        return order

    async def pays(self, order: Order, token: str = "tok_visa") -> dict[str, Any]:
        """Pays as the buyer. Returns the payment, as on the wire."""
        await _once_known(lambda: self.buyers.pay(order.id, token))
        payment: dict[str, Any] = self.json(201)
        return payment

    async def paid(self, order: Order) -> Order:
        """The order after its payment, once all services have all of its events."""
        await self.pays(order)
        await self._shows(order.ticket.id, "sold")
        return await self.becomes(lambda: self.buyers.order(order.id), lambda o: o.payment == "captured")

    async def fills_in(self, form: str, user: CurrentUser) -> tuple[int, str | None]:
        """Sends the fake provider's form. Returns the status, and where it leads."""
        answer = await self._http.post(form, headers=signed_in(user))
        return answer.status_code, answer.headers.get("location")

    async def is_payable(self, order: Order) -> None:
        """Returns once payments has received the order."""
        await self._refuses(lambda: self.buyers.confirm_payment(order.id), ErrorCode.NOTHING_TO_CONFIRM)

    async def is_unpayable(self, order: Order) -> None:
        """Returns once payments has received the order's cancellation."""
        await self._refuses(lambda: self.buyers.confirm_payment(order.id), ErrorCode.ORDER_CANCELLED)

    async def is_gone(self, ticket_id: str) -> None:
        """Returns once orders has received the ticket's withdrawal."""
        await self._refuses(lambda: self.sellers.create_order(ticket_id, ""), ErrorCode.NOT_FOUND)

    async def is_orderable(self, ticket: Ticket) -> None:
        """Returns once orders has received the ticket."""
        await self._refuses(lambda: self.sellers.create_order(ticket.id, ""), ErrorCode.OWN_TICKET)

    async def _refuses(self, act: Callable[[], Awaitable[object]], code: ErrorCode) -> None:
        async def refusal() -> str | None:
            try:
                await act()
            except AppError as error:
                return error.code
            return None

        await self.becomes(refusal, lambda found: found == code)

    async def is_free(self, ticket_id: str) -> Ticket:
        return await self._shows(ticket_id, "available")

    async def is_held(self, ticket_id: str) -> Ticket:
        return await self._shows(ticket_id, "held")

    async def _shows(self, ticket_id: str, status: str) -> Ticket:
        return await self.becomes(lambda: self.visitors.ticket(ticket_id), lambda t: t.status == status)

    async def becomes(self, ask: Callable[[], Awaitable[T]], settled: Callable[[T], bool]) -> T:
        found = await POLLING.until(settled, ask)
        assert settled(found), found
        return found

    def json(self, status: int) -> Any:
        """The body of the latest response."""
        response = self.answers.last
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        return response.json()

    @contextmanager
    def refuses(self, status: int, *entries: tuple[str, str, str | None]) -> Iterator[None]:
        """Fails unless the call is refused. entries: Code, message and field of each error."""
        with pytest.raises(AppError) as refused:
            yield
        sent = entries_of(self.answers.last, status)
        found = [(entry["code"], entry["message"], entry.get("field")) for entry in sent]
        assert found == list(entries), found
        assert refused.value.status == status

    def refuses_strangers(self) -> Any:
        return self.refuses(401, ("not-authorized", "Not authorized", None))

    def finds_nothing(self) -> Any:
        return self.refuses(404, ("not-found", "Not found", None))


async def _once_known(act: Callable[[], Awaitable[T]]) -> T:
    """Calls `act` until the service has received the record that it is about."""
    results: list[T] = []

    async def attempt() -> bool:
        with suppress(NotFound):
            results.append(await act())
        return bool(results)

    assert await POLLING.until(bool, attempt)
    return results[0]
