"""The payments API, with the test cards of the fake payment provider."""

import re

import httpx

from common.base import times
from common.base.ids import is_id
from common.contract.error_codes import ErrorCode

from .fields import Refusal, body_of, checked, entry, not_found, refuse, refuse_until, user_of
from .orders import own_order
from .records import Order, Payment, Records

MAX_DECLINES = 5
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,255}")


def pay(records: Records, request: httpx.Request) -> httpx.Response:
    user_of(request)
    body = body_of(request)
    given = checked(
        order_id=lambda: _order_id(body["orderId"]),
        token=lambda: _token(body["token"]),
    )
    if records.behind > 0:
        records.behind -= 1
        raise not_found()
    order = _own(records, request, given["order_id"])
    payment = records.payments.get(order.id)
    if payment is None or payment.failed:
        payment = _attempt(records, order, given["token"])
    return httpx.Response(201, json=payment.json())


def confirm(records: Records, request: httpx.Request) -> httpx.Response:
    user_of(request)
    body = body_of(request)
    given = checked(order_id=lambda: _order_id(body["orderId"]))
    order = _own(records, request, given["order_id"])
    payment = records.payments.get(order.id)
    if payment is None:
        message = "No payment of this order waits for a confirmation"
        raise refuse(400, ErrorCode.NOTHING_TO_CONFIRM, message)
    if payment.status == "awaiting":
        _take_step(records, order, payment)
    return httpx.Response(200, json=payment.json())


def _own(records: Records, request: httpx.Request, order_id: str) -> Order:
    order = own_order(records, request, order_id)
    if order.status == "cancelled":
        raise refuse(400, ErrorCode.ORDER_CANCELLED, "Cannot pay for a cancelled order")
    return order


def _attempt(records: Records, order: Order, token: str) -> Payment:
    if order.status == "complete":
        raise refuse(400, ErrorCode.ORDER_PAID, "This order is already paid")
    if order.status == "created" and order.expires_at <= times.now():
        raise refuse(400, ErrorCode.ORDER_EXPIRED, "Cannot pay for an expired order")
    if records.declines[order.id] >= MAX_DECLINES:
        message = "Too many cards were declined for this order, it can't be paid any more"
        raise refuse_until(order.expires_at, ErrorCode.DECLINES_LIMIT, message)
    match token:
        case "tok_visa" | "tok_mastercard" | "tok_slow" | "tok_timeout":
            return _charge(records, order, Payment("authorized"))
        case "tok_chargeDeclined":
            records.declines[order.id] += 1
            raise refuse(402, ErrorCode.CARD_DECLINED, records.provider_says)
        case "tok_chargeDeclinedInsufficientFunds":
            records.declines[order.id] += 1
            raise refuse(402, ErrorCode.CARD_DECLINED, "Your card has insufficient funds.")
        case "tok_threeDSecure":
            return _ask_owner(records, order, Payment("awaiting"))
        case "tok_threeDSecureDeclined":
            return _ask_owner(records, order, Payment("awaiting", refused_by=records.provider_says))
        case "tok_error":
            raise _outcome_unknown()
    raise _bad_token()


def _charge(records: Records, order: Order, payment: Payment) -> Payment:
    records.charges.append(order.id)
    records.payments[order.id] = payment
    payment.status, payment.secret = "authorized", None
    _moves(records, order, "complete")
    if records.answer_lost:
        raise _outcome_unknown()
    return payment


def _ask_owner(records: Records, order: Order, payment: Payment) -> Payment:
    payment.secret = f"pi_fake_{order.id}_secret_fake"
    records.payments[order.id] = payment
    _moves(records, order, "awaiting:payment")
    return payment


def _take_step(records: Records, order: Order, payment: Payment) -> None:
    """The bank's further step: it passes, fails, or still waits for the card's owner."""
    refused_by = records.provider_says if records.bank_refuses else payment.refused_by
    if refused_by is not None:
        payment.failed = True
        records.declines[order.id] += 1
        raise refuse(402, ErrorCode.CARD_DECLINED, refused_by)
    if records.client_secret is None:
        _charge(records, order, payment)
    else:
        payment.secret = records.client_secret


def _moves(records: Records, order: Order, status: str) -> None:
    """Announces the status that follows from the payment."""
    records.coming[order.id] = (records.lag, status)


def _order_id(text: str) -> str:
    if not is_id(text):
        raise refuse(400, ErrorCode.ORDER_ID_REQUIRED, "OrderId must be provided", "orderId")
    return text


def _token(text: str) -> str:
    if not text.strip():
        raise refuse(400, ErrorCode.TOKEN_REQUIRED, "Token must be provided", "token")
    if _TOKEN.fullmatch(text.strip()) is None:
        raise _bad_token()
    return text.strip()


def _bad_token() -> Refusal:
    return refuse(400, ErrorCode.TOKEN_INVALID, "Token is not a valid payment method", "token")


def _outcome_unknown() -> Refusal:
    message = "The payment's outcome is not known yet, please look again in a moment"
    return Refusal(503, entry(ErrorCode.PAYMENT_OUTCOME_UNKNOWN, message), headers={"Retry-After": "2"})
