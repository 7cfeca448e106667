"""Shapes on the wire of the orders API."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from common.base.errors import InvalidValue
from common.base.ids import is_id
from common.base.money import Price
from common.base.times import Moment
from common.contract.error_codes import ErrorCode
from common.http.body import Input, Output
from orders.domain import Order
from orders.fulfilment.schemas import ClaimOutput, fields_of
from orders.ticket_schemas import TicketOutput


def _ticket_id(value: object) -> str:
    if not isinstance(value, str) or not is_id(value):
        raise InvalidValue("TicketId must be provided", ErrorCode.TICKET_ID_REQUIRED)
    return value


class OrderInput(Input):
    """`price` is what the buyer saw: at another one the order is refused."""

    ticket_id: Annotated[str, BeforeValidator(_ticket_id)]
    price: Price | None = None


class OrderOutput(Output):
    """An order as its buyer sees it.

    held_until: When the hold ends by itself; null once the order is complete or has ended.
    completed_at: When it was paid; null before that, and for an order that an older release completed.
    """

    id: str
    user_id: str
    status: str
    expires_at: Moment
    version: int
    ticket: TicketOutput
    payment: str | None
    held_until: Moment | None
    ended_because: str | None
    completed_at: Moment | None
    fulfilment: str | None
    deliver_by: Moment | None
    accept_by: Moment | None
    claim: ClaimOutput | None
    card_dispute: str | None

    @classmethod
    def of(cls, order: Order, hold: timedelta) -> "OrderOutput":
        return cls.model_construct(
            id=order.id,
            user_id=order.user_id,
            status=order.status,
            expires_at=order.expires_at,
            version=order.version,
            ticket=TicketOutput.of(order.ticket),
            payment=order.payment,
            held_until=order.held_until(hold),
            ended_because=order.ended_because,
            completed_at=order.completed_at,
            **fields_of(order),
        )


class PaidOrderOutput(Output):
    """An order as the bearer of its receipt's code sees it: without its buyer and its price."""

    id: str
    status: str
    payment: str | None
    ticket_id: str

    @classmethod
    def of(cls, order: Order) -> "PaidOrderOutput":
        return cls.model_construct(
            id=order.id, status=order.status, payment=order.payment, ticket_id=order.ticket.id
        )


class ReceiptOutput(Output):
    """code: Of the receipt, for its QR code: 54 characters of base64url."""

    code: str


ORDERS = TypeAdapter(list[OrderOutput])
