"""Checks of the ledger: each payment's entries against each other, its order, and the provider's record."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from common.persistence.mongo import Document
from infra.verify.reconcile.books import Books, batches, grouped
from infra.verify.reconcile.report import Report

ZERO = "each movement of the ledger sums to zero"
BALANCE = "captured is refunded, paid out, fees and held"
ONE_SIDE = "no order's money is both refunded and paid out"
DECIDED = "the money goes where the order's fulfilment says"
RECORD = "the ledger is the provider's record"
REFUNDS, TRANSFERS = "fake_provider_refunds", "fake_provider_transfers"
DISPUTES = "fake_provider_disputes"
FIELDS = "_id order_id status amount_cents outcome entries fulfilment seller_id refusals dispute"


async def check(books: Books, report: Report) -> None:
    payments, names = books.payments["payments"], await books.payments.list_collection_names()
    has_record, held = "fake_provider_intents" in names, 0
    async for found in batches(payments, FIELDS):
        ids = [payment["order_id"] for payment in found]
        ready = await _ready(books, [payment.get("seller_id", "") for payment in found])
        moved = {
            name: await grouped(books.payments[name], "order_id", ids, "_id order_id amount_cents state")
            for name in (REFUNDS, TRANSFERS, DISPUTES)
        }
        for payment in found:
            accounts = _accounts(payment, report)
            held -= accounts["held"]
            _balance(payment, accounts, report)
            _decided(payment, payment.get("seller_id") in ready, report)
            if has_record:
                _record(payment, accounts, moved, report)
    report.note(f"{held / 100:.2f} is held for orders that are not decided, or not settled yet.")


async def _ready(books: Books, sellers: Sequence[str]) -> set[str]:
    """Sellers who can be paid."""
    query = {"_id": {"$in": sorted(set(sellers))}, "ready": True}
    return {account["_id"] for account in await books.payments["accounts"].find(query, {"_id": 1})}


def _accounts(payment: Document, report: Report) -> Counter[str]:
    """Cents of each account; the seller's is `seller`. The last release stored no capture: it is implied."""
    accounts: Counter[str] = Counter()
    movements: dict[str, int] = defaultdict(int)
    entries = payment.get("entries", [])
    for entry in entries:
        accounts[entry["account"].partition(":")[0]] += entry["cents"]
        movements[entry["movement"]] += entry["cents"]
    report.compared(ZERO)
    if any(movements.values()):
        report.disagree(ZERO, f"payment {payment['_id']}: {dict(movements)}")
    if payment["status"] == "captured" and not entries:
        accounts.update(provider=payment["amount_cents"], held=-payment["amount_cents"])
    return accounts


def _balance(payment: Document, accounts: Mapping[str, int], report: Report) -> None:
    name, price = f"payment {payment['_id']}", payment["amount_cents"]
    captured = price if payment["status"] == "captured" else 0
    report.equal(BALANCE, f"{name}: captured / in the ledger", captured, accounts["provider"])
    gone = -sum(accounts[account] for account in ("refunds", "seller", "fees", "held", "losses"))
    report.equal(BALANCE, f"{name}: captured / refunded, paid out, fees and held", captured, gone)
    if accounts["held"] > 0:
        report.disagree(BALANCE, f"{name}: more than was held went to its sides, {dict(accounts)}")
    report.compared(ONE_SIDE)
    if accounts["refunds"] and accounts["seller"] and not accounts["losses"]:
        report.disagree(ONE_SIDE, f"{name}: {dict(accounts)}")


def _decided(payment: Document, is_ready: bool, report: Report) -> None:
    """A payout waits for its seller's account, and while a dispute is open."""
    decided, outcome = payment.get("fulfilment"), payment.get("outcome", "")
    if payment["status"] != "captured" or decided not in ("accepted", "refunded") or payment.get("refusals"):
        return
    waits = decided == "accepted" and (not is_ready or payment.get("dispute") == "open")
    by_bank = payment.get("dispute") == "lost"
    expected = "refunded" if by_bank or decided == "refunded" else "paid-out"
    report.compared(DECIDED)
    if outcome not in ((expected, "") if waits else (expected, "paid-out") if by_bank else (expected,)):
        report.disagree(DECIDED, f"payment {payment['_id']}: {decided!r} / {outcome!r}")


def _record(
    payment: Document,
    accounts: Mapping[str, int],
    moved: Mapping[str, Mapping[str, Sequence[Document]]],
    report: Report,
) -> None:
    name, order_id = f"payment {payment['_id']}", payment["order_id"]
    back: Counter[str] = Counter()
    for entry in payment.get("entries", []):
        if entry["account"] == "refunds":
            back["by us" if entry["movement"] == "refund" else "by the bank"] -= entry["cents"]
    booked = {REFUNDS: back["by us"], DISPUTES: back["by the bank"], TRANSFERS: -accounts["seller"]}
    for collection, cents in booked.items():
        # Of the disputes, those that the card's owner won; other records have no state.
        of_order = moved[collection].get(order_id, [])
        made = sum(found["amount_cents"] for found in of_order if found.get("state", "lost") == "lost")
        report.equal(RECORD, f"{name}: in the ledger / in {collection}", cents, made)
