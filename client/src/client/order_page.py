"""Page of one order in each of its states, with the configured payment form: Stripe's, or test cards."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from client import headers
from client.api import Api, Apis
from client.domain import REASONS, Progress, Stage
from client.forms import Problems
from client.i18n import gettext_noop
from client.rendering import Page, Pages
from client.schemas import Order
from common.base import times
from common.base.errors import AppError, PaymentRequired


@dataclass(frozen=True, slots=True)
class Card:
    """A test card of the laptop's fake payment gateway, and the outcome of a payment with it."""

    token: str
    name: str
    outcome: str


CARDS = (
    Card("tok_visa", gettext_noop("Good card"), gettext_noop("the bank approves")),
    Card("tok_chargeDeclined", gettext_noop("Empty card"), gettext_noop("the bank declines")),
    Card("tok_threeDSecure", gettext_noop("Careful bank"), gettext_noop("it asks if it is you (3-D Secure)")),
    Card("tok_slow", gettext_noop("Slow bank"), gettext_noop("it approves after a while")),
    Card("tok_timeout", gettext_noop("Lost answer"), gettext_noop("it approves, and its answer gets lost")),
)


@dataclass(frozen=True, slots=True)
class OrderPage:
    page: Page
    api: Api
    stripe_key: str

    async def show(self, order: Order, error: AppError | None = None, waiting: bool = False) -> Response:
        """The page. waiting: The buyer paid, but the event has not reached the orders service yet."""
        progress = Progress(order, times.now())
        declined = isinstance(error, PaymentRequired)
        paying = self.stripe_key if progress.is_open and not waiting else ""
        response = self.page(
            "order.html",
            200 if error is None else error.status,
            order=order,
            progress=progress,
            stage=progress.stage.name,
            reasons=REASONS,
            waiting=waiting and progress.stage is not Stage.EXPIRED,
            cards=CARDS,
            stripe_key=paying,
            stripe_script=headers.STRIPE_SCRIPT,
            client_secret=await self._secret(order, progress) if paying and not declined else None,
            declined=declined,
            problems=Problems() if error is None else Problems.of(error, ("token",)),
        )
        if paying:
            response.headers[headers.POLICY] = headers.PAYING
        return response

    async def _secret(self, order: Order, progress: Progress) -> str | None:
        """The payment's client secret, for the bank's further step; None without one or if the API fails."""
        if progress.stage is not Stage.TO_CONFIRM:
            return None
        try:
            return (await self.api.confirm_payment(order.id)).client_secret
        except AppError:
            # Without a secret the page has only the button that makes the server check the payment.
            return None


async def _order_page(request: Request, page: Pages, api: Apis) -> OrderPage:
    return OrderPage(page, api, request.app.state.stripe_key)


OrderPages = Annotated[OrderPage, Depends(_order_page)]
