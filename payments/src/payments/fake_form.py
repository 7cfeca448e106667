"""Form of the fake provider for sellers who want to be paid; it asks for nothing."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from common.base.errors import NotAuthorized, NotFound
from common.http.session import SignedIn
from payments import payouts
from payments.context import PaymentContext
from payments.fake_exchange import FakeExchange
from payments.gateway import Account

PATH = "/api/payments/fake/accounts/{account_id}"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Test provider</title>
<h1>Test provider</h1><p>No money moves here. A real provider asks for your name and bank account.</p>
<form method="post"><button>I can be paid</button></form></html>"""


def create_form_router(context: PaymentContext) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    provider = context.gateway
    assert isinstance(provider, FakeExchange)

    async def own(account_id: str, user_id: str) -> Account:
        account = await provider.account(account_id)
        if account is None:
            raise NotFound()
        if account.user_id != user_id:
            raise NotAuthorized()
        return account

    @router.get(PATH)
    async def show(user: SignedIn, account_id: str) -> Response:
        await own(account_id, user.id)
        return HTMLResponse(PAGE)

    @router.post(PATH)
    async def fill_in(user: SignedIn, account_id: str) -> Response:
        """Makes the account ready, and leads back to the sales."""
        account = await own(account_id, user.id)
        await provider.fill_in(account.id)
        await payouts.read_account(context, account.id)
        return RedirectResponse(f"{context.public_url}{payouts.RETURN_PATH}", 303)

    return router
