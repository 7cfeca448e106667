"""Projections of `python -m orders restored`: fields of orders and of payments, by their events."""

from collections.abc import Mapping
from typing import Any, get_args

from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
    OrderUpdated,
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentDisputed,
    PaymentRefunded,
    PaymentVoided,
    PayoutMade,
)
from common.persistence.replay import Projection
from orders.domain import RETURNED, PaymentState, Status
from orders.fulfilment.domain import CardDispute, State

FulfilmentEvent = OrderDelivered | OrderAccepted | OrderDisputed | OrderRefunded
OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted | FulfilmentEvent
PaymentEvent = (
    PaymentAwaiting
    | PaymentCreated
    | PaymentCaptured
    | PaymentVoided
    | PaymentRefunded
    | PaymentDisputed
    | PayoutMade
)

LIVE = (Status.CREATED, Status.AWAITING_PAYMENT)
ENDED = (PaymentState.CAPTURED, *RETURNED)
AWAITING = "awaiting"


def order_fields(event: OrderEvent) -> Mapping[str, Any]:
    match event:
        case OrderCreated():
            return {
                "status": event.status,
                "user_id": event.user_id,
                "expires_at": event.expires_at,
                "ticket_id": event.ticket.id,
                "price_cents": event.ticket.price.cents,
            }
        case OrderUpdated():
            # Once an order has ended, its payment's end alone updates it.
            return {"status": event.status, "settled": Status(event.status) not in LIVE}
        case OrderCancelled():
            ended = {"ended_because": event.ended_because, "ended_at": event.ended_at}
            return {"status": Status.CANCELLED.value, **ended}
        case OrderCompleted():
            return {
                "status": Status.COMPLETE.value,
                "completed_at": event.completed_at,
                **_first_state(event),
            }
        case OrderDelivered():
            return {**_state(event, State.DELIVERED), "accept_by": event.accept_by}
        case OrderAccepted():
            return _state(event, State.ACCEPTED)
        case OrderDisputed():
            return _state(event, State.DISPUTED)
        case OrderRefunded():
            return _state(event, State.REFUNDED)


def _first_state(event: OrderCompleted) -> Mapping[str, Any]:
    """Nothing for the event of a release without fulfilment."""
    if event.deliver_by is not None:
        return {"fulfilment": State.DUE.value, "deliver_by": event.deliver_by}
    if event.accept_by is not None:
        return {"fulfilment": State.DELIVERED.value, "accept_by": event.accept_by}
    return {}


def _state(event: FulfilmentEvent, state: State) -> Mapping[str, Any]:
    return {"fulfilment": state.value, "seller_id": event.seller_id}


def payment_fields(event: PaymentEvent) -> Mapping[str, Any]:
    match event:
        case PaymentDisputed():
            dispute = CardDispute.OPEN if event.open else CardDispute.CLOSED
            return {"order_id": event.order_id, "card_dispute": dispute.value}
        case PayoutMade():
            return {"order_id": event.order_id, "payout_cents": event.amount.cents}
        case PaymentRefunded():
            state = PaymentState.REFUNDED.value
        case PaymentAwaiting():
            state = AWAITING
        case PaymentCreated():
            state = PaymentState.AUTHORIZED.value
        case PaymentCaptured():
            state = PaymentState.CAPTURED.value
        case PaymentVoided():
            state = PaymentState.VOIDED.value
    return {"order_id": event.order_id, "state": state}


ORDERS = Projection(
    (OrderCreated, OrderUpdated, OrderCancelled, OrderCompleted, *get_args(FulfilmentEvent)), order_fields
)
PAYMENTS = Projection(get_args(PaymentEvent), payment_fields)
