"""Comparisons, and the disagreements that they found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

SHOWN = 20


@dataclass(slots=True)
class Finding:
    """One check. The first twenty disagreements are stored in words; the others are counted."""

    compared: int = 0
    disagreements: int = 0
    shown: list[str] = field(default_factory=list)


class Report:
    def __init__(self) -> None:
        self.findings: dict[str, Finding] = {}
        self.notes: list[str] = []

    @property
    def is_clean(self) -> bool:
        return not any(finding.disagreements for finding in self.findings.values())

    def compared(self, check: str, count: int = 1) -> None:
        self._of(check).compared += count

    def disagree(self, check: str, words: str) -> None:
        finding = self._of(check)
        finding.disagreements += 1
        if len(finding.shown) < SHOWN:
            finding.shown.append(words)

    def equal(self, check: str, what: str, expected: object, found: object) -> None:
        """Count one comparison; `what` names both sides, the owner first."""
        self.compared(check)
        if expected != found:
            self.disagree(check, f"{what}: {expected!r} / {found!r}")

    def note(self, words: str) -> None:
        self.notes.append(words)

    def summary(self) -> str:
        compared = sum(finding.compared for finding in self.findings.values())
        wrong = sum(finding.disagreements for finding in self.findings.values())
        return f"{compared:,} comparisons, {wrong} disagreements"

    def table(self) -> str:
        return table(
            ("check", "compared", "disagreements"),
            [(name, f.compared, f.disagreements) for name, f in self.findings.items()],
        )

    def details(self) -> str:
        lines = list(self.notes)
        for name, finding in self.findings.items():
            if finding.disagreements:
                lines += [f"{name}:", *(f"  {words}" for words in finding.shown)]
                more = finding.disagreements - len(finding.shown)
                lines += [f"  … and {more} more"] if more else []
        return "\n".join(lines)

    def _of(self, check: str) -> Finding:
        return self.findings.setdefault(check, Finding())


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Table with columns of the necessary width; the first is aligned left, the others right."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )
