"""A seller's account, balance and entries, of the payments API; the marketplace takes no fee."""

from collections.abc import Mapping
from typing import Any

import httpx

from common.base import times

from .fields import not_authorized, not_found, user_of
from .orders import page_of
from .records import Order, Records

STAGES = {
    "delivered": "pending",
    "disputed": "pending",
    "accepted": "available",
    "refunded": "refunded",
}
"""By fulfilment. A sale that is due is none of its seller's money yet."""
FORM = "/api/payments/fake/accounts/acct_"


def open_form(records: Records, request: httpx.Request) -> httpx.Response:
    _known(records)
    user = user_of(request)
    records.accounts.setdefault(user.id, False)
    return httpx.Response(200, json={"url": f"{records.form_host}{FORM}{user.id}"})


def fill_in(records: Records, request: httpx.Request, user_id: str) -> httpx.Response:
    """The form of the fake provider."""
    user = user_of(request)
    if user_id not in records.accounts:
        raise not_found()
    if user.id != user_id:
        raise not_authorized()
    records.accounts[user_id] = True
    return httpx.Response(303, headers={"Location": "/sales"})


def account(records: Records, request: httpx.Request) -> httpx.Response:
    _known(records)
    ready = records.accounts.get(user_of(request).id)
    due = ["external_account"] if ready is False else []
    return httpx.Response(200, json={"ready": bool(ready), "due": due})


def balance(records: Records, request: httpx.Request) -> httpx.Response:
    _known(records)
    sums = dict.fromkeys(("pending", "available", "paid"), 0)
    for order in _sold(records, user_of(request).id):
        if (stage := _stage(order)) in sums:
            sums[stage] += order.ticket.price.cents
    return httpx.Response(200, json={name: cents / 100 for name, cents in sums.items()})


def entries(records: Records, request: httpx.Request) -> httpx.Response:
    _known(records)
    found = [_entry(records, order) for order in _sold(records, user_of(request).id)]
    return page_of(found[::-1], request, usual=50, most=200)


def _sold(records: Records, user_id: str) -> list[Order]:
    return [o for o in records.orders.values() if o.ticket.user_id == user_id and o.fulfilment in STAGES]


def _stage(order: Order) -> str:
    return "paid" if order.payout is not None else STAGES[order.fulfilment or ""]


def _entry(records: Records, order: Order) -> Mapping[str, Any]:
    stage, price, payment = _stage(order), order.ticket.price.to_number(), records.payments.get(order.id)
    return {
        "id": order.id if payment is None else payment.id,
        "orderId": order.id,
        "stage": stage,
        "price": price,
        "amount": 0 if stage == "refunded" else price,
        "at": times.iso(order.completed_at or times.now()),
    }


def _known(records: Records) -> None:
    if records.payments_failure is not None:
        raise records.payments_failure
