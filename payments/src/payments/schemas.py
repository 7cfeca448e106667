"""Request and response schemas of the payments API."""

import re
from typing import Annotated

from pydantic import BeforeValidator

from common.base.errors import InvalidValue
from common.base.ids import is_id
from common.contract.error_codes import ErrorCode
from common.http.body import Input, Output
from payments.domain import Payment
from payments.errors import BadToken

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,255}")


def _order_id(value: object) -> str:
    if not isinstance(value, str) or not is_id(value):
        raise InvalidValue("OrderId must be provided", ErrorCode.ORDER_ID_REQUIRED)
    return value


def _token(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("Token must be provided", ErrorCode.TOKEN_REQUIRED)
    if _TOKEN.fullmatch(value.strip()) is None:
        raise InvalidValue(BadToken.default_message, BadToken.code)
    return value.strip()


OrderId = Annotated[str, BeforeValidator(_order_id)]
Token = Annotated[str, BeforeValidator(_token)]


class PaymentInput(Input):
    order_id: OrderId
    token: Token


class ConfirmInput(Input):
    order_id: OrderId


class PaymentOutput(Output):
    """Payment in a response.

    client_secret: Lets the card's owner take the further step; set while the status is `awaiting`.
    """

    id: str
    status: str
    client_secret: str | None

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOutput":
        return cls.model_construct(
            id=payment.id, status=str(payment.status), client_secret=payment.client_secret
        )
