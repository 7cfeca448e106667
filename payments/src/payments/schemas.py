"""Shapes on the wire of the payments API."""

import re
from typing import Annotated

from pydantic import BeforeValidator

from common.base.ids import is_id
from common.http.body import Input, Output
from payments.domain import Payment

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,255}")


def _order_id(value: object) -> str:
    if not isinstance(value, str) or not is_id(value):
        raise ValueError("OrderId must be provided")
    return value


def _token(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("Token must be provided")
    if _TOKEN.fullmatch(value.strip()) is None:
        raise ValueError("Token is not a valid payment method")
    return value.strip()


OrderId = Annotated[str, BeforeValidator(_order_id)]
Token = Annotated[str, BeforeValidator(_token)]


class PaymentInput(Input):
    order_id: OrderId
    token: Token


class ConfirmInput(Input):
    order_id: OrderId


class PaymentOutput(Output):
    """`client_secret` is for the card's owner to take the further step with, while status is `awaiting`."""

    id: str
    status: str
    client_secret: str | None

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOutput":
        return cls.model_construct(
            id=payment.id, status=str(payment.status), client_secret=payment.client_secret
        )
