"""Outcome of a run, in words."""

from collections import Counter
from dataclasses import dataclass

from infra.verify.chaos.faults import Faults
from infra.verify.chaos.ledger import Ledger
from infra.verify.chaos.plan import Kind
from infra.verify.reconcile.report import SHOWN, Report, table


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a run.

    `took`: seconds from the end of the traffic to agreement. `up`: all services were ready again.
    """

    duration: float
    seed: int
    ledger: Ledger
    faults: Faults
    report: Report
    took: float
    up: bool

    @property
    def is_good(self) -> bool:
        return self.up and self.report.is_clean and not self.ledger.unexpected

    def text(self) -> str:
        return "\n".join(
            [
                self._faults(),
                "",
                self.report.table(),
                *filter(None, [self.report.details()]),
                "",
                self._summary(),
                *(f"  unexpected: {words}" for words in self.ledger.unexpected[:SHOWN]),
                f"repeat with: make chaos DURATION={self.duration:g} SEED={self.seed}",
            ]
        )

    def _faults(self) -> str:
        done = self.faults.done
        processes = sorted({process for process, _ in done})
        rows = [(process, *(done[process, kind] for kind in Kind)) for process in processes]
        totals: Counter[Kind] = Counter()
        for (_, kind), count in done.items():
            totals[kind] += count
        return table(("fault", *Kind), [*rows, ("all", *(totals[kind] for kind in Kind))])

    def _summary(self) -> str:
        ledger, findings = self.ledger, self.report.findings
        broken = sum(1 for finding in findings.values() if finding.disagreements)
        missed = f", {len(self.faults.missed)} missed" if self.faults.missed else ""
        answers = ", ".join(f"{count} {kind}" for kind, count in sorted(ledger.answers.items()))
        lines = [
            f"seed        {self.seed}, {self.duration:g} s",
            f"requests    {ledger.requests}: {answers}",
            f"answered    {len(ledger.listings)} listings, {len(ledger.purchases)} orders, "
            f"{sum(1 for p in ledger.purchases.values() if p.payment_id)} payments",
            f"faults      {sum(self.faults.done.values())}{missed}",
            f"settled     {'after' if self.report.is_clean else 'NOT within'} {self.took:.1f} s"
            f"{'' if self.up else ', NOT ALL SERVICES ARE READY'}",
            f"invariants  {len(findings)} checked, {broken} broken",
            f"unexpected  {len(ledger.unexpected)} answers",
        ]
        return "\n".join(lines)
