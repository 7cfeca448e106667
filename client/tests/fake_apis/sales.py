"""What follows a complete order, of the orders API."""

import httpx

from common.base import times
from common.contract.error_codes import ErrorCode

from .fields import body_of, checked, not_authorized, not_found, refuse, user_of
from .orders import own_order, page_of
from .records import ACCEPTANCE, Order, Records

REASONS = ("not-delivered", "not-valid", "not-as-described", "event-cancelled")


def index(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    sold = [o for o in records.orders.values() if o.ticket.user_id == user.id and o.fulfilment]
    return page_of([order.sale() for order in sold[::-1]], request)


def show(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    return httpx.Response(200, json=_paid(_own_sale(records, request, order_id)).sale())


def deliver(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    order = _paid(_own_sale(records, request, order_id))
    if order.fulfilment == "disputed":
        raise refuse(400, ErrorCode.ORDER_DISPUTED, "The buyer has a claim about this ticket")
    if order.fulfilment == "refunded":
        raise _refunded()
    if order.fulfilment == "due":
        if order.deliver_by is not None and times.now() >= order.deliver_by:
            message = "The time to hand the ticket over has ended, the buyer gets the money back"
            raise refuse(400, ErrorCode.DELIVERY_LATE, message)
        order.accept_by = times.now() + ACCEPTANCE
        _reach(order, "delivered")
    return httpx.Response(204)


def accept(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    order = _paid(own_order(records, request, order_id))
    if order.fulfilment == "due":
        raise _not_delivered()
    if order.fulfilment == "refunded":
        raise _refunded()
    _reach(order, "accepted")
    return httpx.Response(204)


def refund(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    order = _paid(_own_sale(records, request, order_id))
    if order.fulfilment == "accepted":
        message = "The sale is settled: the buyer has the ticket, and the seller is paid"
        raise refuse(400, ErrorCode.ORDER_ACCEPTED, message)
    _reach(order, "refunded")
    return httpx.Response(202)


def claim(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    user_of(request)
    body = body_of(request)
    given = checked(reason=lambda: _reason(body["reason"]), words=lambda: _words(body["words"]))
    order = _paid(own_order(records, request, order_id))
    if order.fulfilment == "refunded":
        raise _refunded()
    if order.claim is not None and order.fulfilment == "disputed":
        if any(order.claim[name] != value for name, value in given.items()):
            message = "You have made a claim about this ticket already"
            raise refuse(400, ErrorCode.CLAIM_OPEN, message)
        return httpx.Response(201, json=order.claim)
    if order.fulfilment == "accepted":
        raise refuse(400, ErrorCode.CLAIM_LATE, "The time for a claim has ended")
    if order.accept_by is None:
        raise _not_delivered()
    order.claim = {**given, "openedAt": times.iso(times.now()), "answer": None, "answeredAt": None}
    _reach(order, "disputed")
    return httpx.Response(201, json=order.claim)


def answer(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    user_of(request)
    body = body_of(request)
    words = checked(words=lambda: _words(body["words"]))["words"]
    order = _paid(_own_sale(records, request, order_id))
    if order.claim is None or order.fulfilment != "disputed":
        raise refuse(400, ErrorCode.NO_CLAIM, "There is no open claim about this ticket")
    if order.claim["answer"] not in (None, words):
        raise refuse(400, ErrorCode.CLAIM_ANSWERED, "You have answered this claim already")
    if order.claim["answer"] is None:
        order.claim |= {"answer": words, "answeredAt": times.iso(times.now())}
        order.version += 1
    return httpx.Response(204)


def _own_sale(records: Records, request: httpx.Request, order_id: str) -> Order:
    user, order = user_of(request), records.orders.get(order_id)
    if order is None:
        raise not_found()
    if order.ticket.user_id != user.id:
        raise not_authorized()
    return order


def _paid(order: Order) -> Order:
    if order.fulfilment is None:
        raise refuse(400, ErrorCode.ORDER_NOT_PAID, "This order is not paid")
    return order


def _reach(order: Order, state: str) -> None:
    if order.card_dispute == "open":
        message = "The buyer's bank looks into this payment, please wait for its answer"
        raise refuse(400, ErrorCode.CARD_DISPUTED, message)
    if order.fulfilment != state:
        order.fulfilment = state
        order.version += 1


def _refunded() -> Exception:
    return refuse(400, ErrorCode.ORDER_REFUNDED, "The buyer gets the money back for this order")


def _not_delivered() -> Exception:
    return refuse(400, ErrorCode.NOT_DELIVERED, "The seller has not handed the ticket over yet")


def _reason(text: str) -> str:
    if text not in REASONS:
        message = f"Reason must be one of {', '.join(REASONS)}"
        raise refuse(400, ErrorCode.REASON_INVALID, message, "reason")
    return text


def _words(text: str) -> str:
    words = text.replace("\r\n", "\n").strip()
    if not words:
        raise refuse(400, ErrorCode.WORDS_REQUIRED, "Words are required", "words")
    if len(words) > 1_000:
        raise refuse(400, ErrorCode.WORDS_TOO_LONG, "Words must be at most 1000 characters", "words")
    return words
