"""Request and response schemas of the payments API."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, TypeAdapter

from common.base.errors import InvalidValue
from common.base.ids import is_id
from common.base.money import Money
from common.base.times import Moment
from common.contract.error_codes import ErrorCode
from common.http.body import Input, Output
from payments.balances import Balance, Sale
from payments.domain import Payment
from payments.errors import BadToken
from payments.gateway import Account

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


def _cursor(text: str) -> str:
    if not is_id(text):
        raise InvalidValue("Cursor is not one of ours", ErrorCode.CURSOR_INVALID)
    return text


Cursor = Annotated[str, AfterValidator(_cursor)]
"""The id of the last sale that was seen."""
Amount = Annotated[Money, PlainSerializer(Money.to_number, return_type=int | float)]
"""A JSON number, which may be 0."""


class FormOutput(Output):
    url: str


class AccountOutput(Output):
    """ready: Whether the seller can be paid. due: The provider's names of what it still needs."""

    ready: bool
    due: list[str]

    @classmethod
    def of(cls, account: Account | None) -> "AccountOutput":
        """Without an account, nothing is named: the provider's form asks for everything."""
        if account is None:
            return cls.model_construct(ready=False, due=[])
        return cls.model_construct(ready=account.ready, due=list(account.due))


class BalanceOutput(Output):
    """Of a seller, less fees. pending: Not accepted yet. available: Paid out once the account is ready."""

    pending: Amount
    available: Amount
    paid: Amount

    @classmethod
    def of(cls, balance: Balance) -> "BalanceOutput":
        return cls.model_construct(pending=balance.pending, available=balance.available, paid=balance.paid)


class SaleOutput(Output):
    """stage: `pending`, `available`, `paid` or `refunded`. amount: The price less the fee; 0 once refunded.

    at: Of the latest movement of its money.
    """

    id: str
    order_id: str
    stage: str
    price: Amount
    amount: Amount
    at: Moment | None

    @classmethod
    def of(cls, sale: Sale) -> "SaleOutput":
        return cls.model_construct(
            id=sale.id,
            order_id=sale.order_id,
            stage=str(sale.stage),
            price=sale.price,
            amount=sale.amount,
            at=sale.at,
        )


SALES = TypeAdapter(list[SaleOutput])
