"""Routes for sellers: how to be paid, and what is owed and paid."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from common.http.rendering import JSON, json_response
from common.http.session import SignedIn
from payments import payouts
from payments.balances import Balances
from payments.context import PaymentContext
from payments.schemas import SALES, AccountOutput, BalanceOutput, Cursor, FormOutput, SaleOutput

PATH = "/api/payments/entries"
PAGE = 50
MOST = 200


def create_seller_router(context: PaymentContext, balances: Balances) -> APIRouter:
    router = APIRouter(prefix="/api/payments", tags=["payments"])

    @router.post("/account", responses={200: {"model": FormOutput}})
    async def open_form(user: SignedIn) -> Response:
        """Address of the provider's form. It is valid for some minutes, and for this user alone."""
        url = await payouts.form(context, user.id)
        return json_response(FormOutput.model_construct(url=url))

    @router.get("/account", responses={200: {"model": AccountOutput}})
    async def account(user: SignedIn) -> Response:
        return json_response(AccountOutput.of(await payouts.account_of(context, user.id)))

    @router.get("/balance", responses={200: {"model": BalanceOutput}})
    async def balance(user: SignedIn) -> Response:
        return json_response(BalanceOutput.of(await balances.of(user.id)))

    @router.get("/entries", responses={200: {"model": list[SaleOutput]}})
    async def entries(
        user: SignedIn,
        limit: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
        cursor: Cursor | None = None,
    ) -> Response:
        """The sales behind the balance, newest first; the next page is in the `Link` header."""
        found = await balances.sales(user.id, limit + 1, cursor)
        shown = found[:limit]
        headers = {}
        if len(found) > limit:
            headers["Link"] = f'<{PATH}?limit={limit}&cursor={shown[-1].id}>; rel="next"'
        content = SALES.dump_json([SaleOutput.of(sale) for sale in shown], by_alias=True)
        return Response(content, headers=headers, media_type=JSON)

    return router
