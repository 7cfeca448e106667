"""How a seller is paid: the form of the payment provider, and the money of each sale."""

from fastapi import APIRouter, Request, Response

from client import forgiving
from client.api import Apis
from client.domain import STAGES
from client.rendering import Pages, see_other
from client.sign_in import Member
from common.base.errors import NotFound, Unavailable

router = APIRouter(prefix="/sales", include_in_schema=False)


@router.get("/payments")
async def entries(_user: Member, request: Request, page: Pages, api: Apis) -> Response:
    """Raises Unavailable for a release of the API without entries."""
    asked = {name: request.query_params[name] for name in ("limit", "cursor") if name in request.query_params}
    try:
        found = (await forgiving.answered(api.entries, asked)).found
    except NotFound:
        raise Unavailable() from None
    return page(
        "sales_payments.html", entries=found.items, stages=STAGES, asked=asked, following=found.following
    )


@router.post("/account")
async def open_form(_user: Member, page: Pages, api: Apis) -> Response:
    """Shows a link to the provider's form.

    Not a redirect: `form-action 'self'` lets no form lead to another host, by a redirect neither
    (https://www.w3.org/TR/CSP3/#directive-form-action), and which hosts the provider uses is its own affair.
    """
    try:
        form = await api.payout_form()
    except (NotFound, Unavailable):
        raise Unavailable() from None
    return page("sales_account.html", form=form)


@router.get("/account")
async def back_to_sales() -> Response:
    """For a reload of the form's page, in a browser that asks for it by GET."""
    return see_other("/sales")
