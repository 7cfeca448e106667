"""Verdict of a leg: lost writes and events, stuck orders, disagreements."""

import asyncio

from infra.verify.chaos import run as chaos
from infra.verify.chaos.ledger import Ledger
from infra.verify.reconcile.report import SHOWN, Report
from infra.verify.reconcile.view import View
from infra.verify.rollout import newcomer, stream
from infra.verify.rollout.newcomer import News

HOLD_SECONDS = 5


async def judged(view: View, ledger: Ledger, news: News | None, settle: float) -> Report:
    """Compare all data with each other and with the users' answers, once the last holds are over.

    `news`: acknowledged uses of what `tomorrow.patch` adds; None if the new version does not have it.
    """
    assert view.broker is not None
    gates = Report()
    if news is not None:
        # The last holds end first: each end is one more save of its ticket.
        await asyncio.sleep(HOLD_SECONDS)
        lost = await newcomer.check_gates(view.books, news, gates)
        await newcomer.forget_gates(view.books)
    report, took = await chaos.settled(view, ledger, settle)
    await stream.idle(view.broker, report)
    if news is not None:
        found = await newcomer.effects(view.books, view.broker)
        newcomer.compare(news, found, report)
        await newcomer.check_index(view.books, report)
        report.note(
            f"new kind: {found.lost} of {sum(found.published.values())} events lost; new field: "
            f"{lost} of {len(news.gates)} lost; {news.refused} uses refused by the old version"
        )
    report.note(f"settled {'after' if report.is_clean else 'NOT within'} {took:.1f} s")
    return joined(gates, report)


def joined(first: Report, second: Report) -> Report:
    """The second report with the findings of the first."""
    second.findings |= first.findings
    return second


def in_words(report: Report, ledger: Ledger) -> str:
    paid = sum(1 for purchase in ledger.purchases.values() if purchase.payment_id)
    lines = [
        f"answered: {len(ledger.listings)} listings, {len(ledger.purchases)} orders, {paid} payments",
        report.details(),
        f"{len(report.findings)} checks, {report.summary()}, {len(ledger.unexpected)} unexpected answers",
        *(f"unexpected: {words}" for words in ledger.unexpected[:SHOWN]),
    ]
    return "\n".join(filter(None, lines))
