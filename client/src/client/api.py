"""Typed calls to the APIs. Each raises the error that the API responds with (`upstream.refusal`)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx
from fastapi import Depends, Request
from pydantic import TypeAdapter

from client.schemas import (
    ENTRIES,
    ORDERS,
    PASSKEYS,
    SALES,
    SESSIONS,
    TICKETS,
    Balance,
    CurrentUserAnswer,
    Entry,
    ExportPage,
    Listing,
    Order,
    OwnUser,
    PaidOrder,
    Passkey,
    Payment,
    PayoutAccount,
    PayoutForm,
    ReceiptCode,
    Sale,
    Session,
    Summary,
    Ticket,
)
from client.upstream import ASIDE_TIMEOUT, PROVIDER_TIMEOUT, SHORT_TIMEOUT, Upstream
from common.base.errors import NotFound, Unavailable
from common.http import idempotency
from common.http.preconditions import etag

T = TypeVar("T")

SetCookies = Sequence[str]
"""The `Set-Cookie` headers of a response, for the browser."""
Answer = Mapping[str, object] | None
"""A device's answer, as JSON of WebAuthn; None without one."""


class Api:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def signup(self, email: str, password: str, key: str = "", language: str = "") -> SetCookies:
        """key: Of the form, or "". The form sent twice signs up once, and begins a session both times.

        language: Tag of the page's language, which the user's mails are in from then on.
        """
        body = {"email": email, "password": password}
        return await self._session("signup", body, {**_once(key), **_reads(language)})

    async def signin(self, email: str, password: str, language: str = "") -> SetCookies:
        """language: As at a sign-up."""
        return await self._session("signin", {"email": email, "password": password}, _reads(language))

    async def signout(self) -> SetCookies:
        return await self._session("signout", {}, {})

    async def email(self) -> str:
        """The signed-in user's e-mail address; "" for a session without a user. Waits for a second."""
        response = await self._upstream.send(
            "GET", "/api/users/currentuser", timeout=SHORT_TIMEOUT, sign_address=True
        )
        user = CurrentUserAnswer.model_validate_json(response.content).current_user
        return "" if user is None else user.email

    async def own_user(self) -> tuple[OwnUser | None, SetCookies]:
        """The signed-in user, None for a session without one, and its session as it is now."""
        response = await self._upstream.send("GET", "/api/users/currentuser", sign_address=True)
        user = CurrentUserAnswer.model_validate_json(response.content).current_user
        return user, response.headers.get_list("set-cookie")

    async def confirm_email(self, token: str) -> SetCookies:
        """Confirms an address, or changes to it, by the token of a link."""
        return await self._change("POST", "confirmation", {"token": token})

    async def request_confirmation(self) -> SetCookies:
        """Has a link mailed to the user's address."""
        return await self._change("POST", "confirmation/request", {})

    async def request_reset(self, email: str) -> None:
        """Has a link mailed to the address, if it has an account."""
        await self._change("POST", "password/reset/request", {"email": email})

    async def reset_password(self, token: str, password: str) -> SetCookies:
        return await self._change("POST", "password/reset", {"token": token, "password": password})

    async def change_password(self, current: str, password: str, passkey: Answer = None) -> SetCookies:
        """passkey: A device's answer, instead of the present password."""
        body = {"password": password, **_proof("current", current, passkey)}
        return await self._change("PUT", "password", body)

    async def change_email(self, email: str, password: str, passkey: Answer = None) -> None:
        """Has a link mailed to the new address. passkey: As of `change_password`."""
        await self._change("PUT", "email", {"email": email, **_proof("password", password, passkey)})

    async def delete_account(self, password: str, passkey: Answer = None) -> SetCookies:
        """Deletes the user's account for good. passkey: As of `change_password`.

        Raises Unavailable for a release of the API that can't.
        """
        try:
            return await self._change("DELETE", "me", _proof("password", password, passkey))
        except NotFound:
            raise Unavailable() from None

    async def choose_mails(self, language: str, *, notices: bool) -> None:
        """language: Of the user's mails. notices: Whether mails that can be turned off are sent."""
        await self._change("PUT", "mails", {"language": language, "notices": notices})

    async def unsubscribe(self, token: str) -> None:
        """Turns notices off for the user whom the token of a mail's link names."""
        await self._change("POST", "mails/unsubscribe", {"token": token})

    async def sessions(self) -> Sequence[Session]:
        """The user's sessions, the latest used first. None from a release whose sessions are no records."""
        try:
            response = await self._upstream.send("GET", "/api/users/sessions", sign_address=True)
        except NotFound:
            return ()
        return SESSIONS.validate_json(response.content)

    async def end_session(self, session_id: str) -> SetCookies:
        """Raises NotFound for a session that is not the user's, or that has ended."""
        response = await self._upstream.send("DELETE", f"/api/users/sessions/{session_id}", sign_address=True)
        return response.headers.get_list("set-cookie")

    async def end_other_sessions(self) -> None:
        await self._upstream.send("DELETE", "/api/users/sessions", sign_address=True)

    async def export(self, service: str, cursor: str) -> ExportPage:
        """A page of what one API stores about the user. service: "users", "tickets", "orders" or "payments".

        cursor: "" for the first page, and then `next` of the page before. Raises Unavailable for a release of
        the API without it.
        """
        path, query = f"/api/{service}/export", {"cursor": cursor}
        try:
            response = await self._upstream.send("GET", path, query=query, sign_address=True)
        except NotFound:
            raise Unavailable() from None
        return ExportPage.model_validate_json(response.content)

    async def passkeys(self) -> list[Passkey] | None:
        """The user's own; None from a release of the API that has none."""
        try:
            response = await self._upstream.send("GET", "/api/users/passkeys")
        except NotFound:
            return None
        return PASSKEYS.validate_json(response.content)

    async def options_to_sign_in(self) -> bytes:
        """What the browser asks a device for, as JSON."""
        return await self._options("signin/passkey", {})

    async def options_to_prove(self) -> bytes:
        return await self._options("passkeys/proof", {})

    async def options_to_add_passkey(self, password: str, passkey: Answer) -> bytes:
        """passkey: As of `change_password`."""
        return await self._options("passkeys", _proof("password", password, passkey))

    async def signin_by_passkey(self, credential: Answer) -> SetCookies:
        return await self._session("signin/passkey", {"credential": credential}, {})

    async def add_passkey(self, name: str, credential: Answer) -> None:
        await self._change("POST", "passkeys", {"name": name, "credential": credential})

    async def rename_passkey(self, passkey_id: str, name: str) -> None:
        await self._change("PUT", f"passkeys/{passkey_id}", {"name": name})

    async def remove_passkey(self, passkey_id: str) -> None:
        await self._upstream.send("DELETE", f"/api/users/passkeys/{passkey_id}", sign_address=True)

    async def _options(self, action: str, body: Mapping[str, object]) -> bytes:
        """Raises Unavailable for a release of the API that has no passkeys."""
        path = f"/api/users/{action}/options"
        try:
            return (await self._upstream.send("POST", path, body=body, sign_address=True)).content
        except NotFound:
            raise Unavailable() from None

    async def _change(self, method: str, action: str, body: Mapping[str, object]) -> SetCookies:
        response = await self._upstream.send(method, f"/api/users/{action}", body=body, sign_address=True)
        return response.headers.get_list("set-cookie")

    async def _session(
        self, action: str, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> SetCookies:
        response = await self._upstream.send(
            "POST", f"/api/users/{action}", body=body, headers=headers, sign_address=True
        )
        return response.headers.get_list("set-cookie")

    async def tickets(self, query: Mapping[str, str]) -> Listing[Ticket]:
        return _listing(await self._upstream.send("GET", "/api/tickets", query=query), TICKETS)

    async def ticket(self, ticket_id: str) -> Ticket:
        return Ticket.model_validate_json((await self._upstream.send("GET", _ticket(ticket_id))).content)

    async def summary(self) -> Summary:
        return Summary.model_validate_json((await self._upstream.send("GET", "/api/tickets/summary")).content)

    async def create_ticket(self, offer: Mapping[str, str], key: str = "") -> Ticket:
        """Lists a ticket. offer: Fields of the ticket, as the seller typed them.

        key: Of the form, or "". The same form sent twice lists one ticket; with other fields it is KeyReused.
        """
        response = await self._upstream.send("POST", "/api/tickets", body=offer, headers=_once(key))
        return Ticket.model_validate_json(response.content)

    async def update_ticket(self, ticket_id: str, offer: Mapping[str, str], version: str = "") -> None:
        """version: That the seller saw, or "" for any. Raises PreconditionFailed at another one."""
        headers = {"If-Match": etag(int(version))} if version else {}
        await self._upstream.send("PUT", _ticket(ticket_id), body=offer, headers=headers)

    async def withdraw_ticket(self, ticket_id: str) -> None:
        await self._upstream.send("DELETE", _ticket(ticket_id))

    async def relist_ticket(self, ticket_id: str) -> None:
        """Puts a withdrawn ticket back on sale. Idempotent."""
        await self._upstream.send("POST", f"{_ticket(ticket_id)}/relist", body={})

    async def orders(self, query: Mapping[str, str]) -> Listing[Order]:
        return _listing(await self._upstream.send("GET", "/api/orders", query=query), ORDERS)

    async def order(self, order_id: str) -> Order:
        return Order.model_validate_json((await self._upstream.send("GET", _order(order_id))).content)

    async def receipt_code(self, order_id: str) -> str:
        """The code of a paid order's receipt. Raises NotFound also for a release whose pages sign it."""
        response = await self._upstream.send("GET", f"{_order(order_id)}/receipt")
        return ReceiptCode.model_validate_json(response.content).code

    async def receipt(self, code: str) -> PaidOrder:
        """The present state of a receipt's order. Raises NotFound for a code that is not genuine."""
        response = await self._upstream.send("GET", f"/api/orders/receipts/{code}")
        return PaidOrder.model_validate_json(response.content)

    async def create_order(self, ticket_id: str, price: str, key: str = "") -> Order:
        """Orders a ticket.

        price: Price that the buyer saw, or "" for any. The API refuses an order at another price.
        key: Of the form, or "". The same form sent twice places one order.
        """
        body = {"ticketId": ticket_id} | ({"price": price} if price else {})
        response = await self._upstream.send("POST", "/api/orders", body=body, headers=_once(key))
        return Order.model_validate_json(response.content)

    async def cancel_order(self, order_id: str) -> None:
        await self._upstream.send("DELETE", _order(order_id))

    async def accept(self, order_id: str) -> None:
        """The buyer has the ticket, or takes a claim back. Idempotent."""
        await self._upstream.send("POST", f"{_order(order_id)}/acceptance", body={})

    async def claim(self, order_id: str, reason: str, words: str) -> None:
        """The buyer's claim. The same one again is the same."""
        body = {"reason": reason, "words": words}
        await self._upstream.send("POST", f"{_order(order_id)}/claims", body=body)

    async def sales(self, query: Mapping[str, str]) -> Listing[Sale]:
        return _listing(await self._upstream.send("GET", "/api/orders/sales", query=query), SALES)

    async def sale(self, order_id: str) -> Sale:
        found = await self._upstream.send("GET", f"/api/orders/sales/{order_id}")
        return Sale.model_validate_json(found.content)

    async def deliver(self, order_id: str) -> None:
        """The seller handed the ticket over. Idempotent."""
        await self._upstream.send("POST", f"{_order(order_id)}/delivery", body={})

    async def refund(self, order_id: str) -> None:
        """The seller gives the money back. Idempotent."""
        await self._upstream.send("POST", f"{_order(order_id)}/refund", body={})

    async def answer_claim(self, order_id: str, words: str) -> None:
        await self._upstream.send("POST", f"{_order(order_id)}/claims/answer", body={"words": words})

    async def pay(self, order_id: str, token: str) -> None:
        """Pays an order. Idempotent: a second call for the same order is the same payment."""
        body = {"orderId": order_id, "token": token}
        await self._upstream.send("POST", "/api/payments", body=body, timeout=PROVIDER_TIMEOUT)

    async def confirm_payment(self, order_id: str) -> Payment:
        """Checks whether the card's owner completed the bank's further step (such as 3-D Secure)."""
        response = await self._upstream.send(
            "POST", "/api/payments/confirm", body={"orderId": order_id}, timeout=PROVIDER_TIMEOUT
        )
        return Payment.model_validate_json(response.content)

    async def balance(self) -> Balance:
        """The seller's. Raises NotFound for a release of the API without it, as the three below do."""
        response = await self._upstream.send("GET", "/api/payments/balance", timeout=ASIDE_TIMEOUT)
        return Balance.model_validate_json(response.content)

    async def payout_account(self) -> PayoutAccount:
        """Whether the seller can be paid; the API may ask the provider."""
        response = await self._upstream.send("GET", "/api/payments/account", timeout=ASIDE_TIMEOUT)
        return PayoutAccount.model_validate_json(response.content)

    async def payout_form(self) -> PayoutForm:
        """A new form of the provider. The seller has one account, also after several calls."""
        response = await self._upstream.send(
            "POST", "/api/payments/account", body={}, timeout=PROVIDER_TIMEOUT
        )
        return PayoutForm.model_validate_json(response.content)

    async def entries(self, query: Mapping[str, str]) -> Listing[Entry]:
        """The sales behind the balance, newest first."""
        return _listing(await self._upstream.send("GET", "/api/payments/entries", query=query), ENTRIES)


def _proof(name: str, password: str, passkey: Answer) -> Mapping[str, object]:
    """Part of a body that proves that the session is its user's own. name: Of the password's field."""
    return {name: password} if passkey is None else {"passkey": passkey}


def _once(key: str) -> Mapping[str, str]:
    return {idempotency.HEADER: key} if key else {}


def _reads(language: str) -> Mapping[str, str]:
    return {"Accept-Language": language} if language else {}


def _ticket(ticket_id: str) -> str:
    return f"/api/tickets/{ticket_id}"


def _order(order_id: str) -> str:
    return f"/api/orders/{order_id}"


def _listing(response: httpx.Response, items: TypeAdapter[list[T]]) -> Listing[T]:
    """One page of a list. The `Link` header (RFC 8288) has the query of the next page."""
    link = response.links.get("next")
    following = None if link is None else dict(parse_qsl(urlsplit(link["url"]).query))
    return Listing(items.validate_json(response.content), following)


async def _api(request: Request) -> Api:
    return Api(Upstream.of(request))


Apis = Annotated[Api, Depends(_api)]
