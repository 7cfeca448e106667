"""docs/security.md against the standard's list of requirements, and against the tree."""

import re
from collections import Counter
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
TEXT = (REPO / "docs/security.md").read_text()
REQUIREMENTS = {
    "V1": (
        "1.1 1.2 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.9 3.1 3.2 3.3 3.4 3.5 3.6 3.7 3.8 3.9 3.10 3.11 "
        "4.1 4.2 4.3 5.1 5.2"
    ),
    "V2": "1.1 1.2 1.3 2.1 2.2 2.3 3.1 3.2 3.3 3.4 4.1",
    "V3": "2.1 2.2 3.1 3.2 3.3 3.4 4.1 4.2 4.3 4.4 4.5 4.6 5.1 5.2 5.3 5.4 5.5 7.1 7.2",
    "V4": "1.1 1.2 1.3 2.1 3.1 3.2 4.1 4.2 4.3 4.4",
    "V5": "1.1 2.1 2.2 2.3 3.1 3.2 4.1 4.2 4.3",
    "V6": (
        "1.1 1.2 1.3 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.9 2.10 2.11 2.12 3.1 3.2 3.3 3.4 4.1 4.2 4.3 "
        "4.4 5.1 5.2 5.3 5.4 5.5 6.1 6.2 6.3 8.1 8.2 8.3 8.4"
    ),
    "V7": "1.1 1.2 1.3 2.1 2.2 2.3 2.4 3.1 3.2 4.1 4.2 4.3 4.4 4.5 5.1 5.2 6.1 6.2",
    "V8": "1.1 1.2 2.1 2.2 2.3 3.1 4.1",
    "V9": "1.1 1.2 1.3 2.1 2.2 2.3 2.4",
    "V11": "1.1 1.2 2.1 2.2 2.3 3.1 3.2 3.3 4.1 4.2 4.3 4.4 5.1 6.1",
    "V12": "1.1 1.2 1.3 2.1 2.2 3.1 3.2 3.3 3.4",
    "V13": "1.1 2.1 2.2 2.3 2.4 2.5 3.1 3.2 4.1 4.2 4.3 4.4 4.5",
    "V14": "1.1 1.2 2.1 2.2 2.3 2.4 3.1 3.2 3.3",
    "V15": "1.1 1.2 1.3 2.1 2.2 2.3 3.1 3.2 3.3 3.4 3.5 3.6 3.7",
    "V16": "1.1 2.1 2.2 2.3 2.4 2.5 3.1 3.2 3.3 3.4 4.1 4.2 4.3 5.1 5.2 5.3",
}
"""Levels 1 and 2 of OWASP ASVS 5.0.0, by chapter; V10 (OAuth) and V17 (WebRTC) are a sentence each.

Source: 5.0/docs_en/OWASP_Application_Security_Verification_Standard_5.0.0_en.flat.json of OWASP/ASVS.
"""
ABSENT = 29 + 7
"""Requirements of V10 and V17."""

_ROW = re.compile(r"^\| (?P<id>\d+\.\d+\.\d+) \| [12] \| (?P<rest>.*) \|$", re.MULTILINE)
_TEST = re.compile(r"`(?P<path>[\w/]+\.py):(?P<name>test_\w+)`")
_CELLS = re.compile(r"(?<!\\)\|")


def rows() -> dict[str, list[str]]:
    """Cells of each row by its number: requirement, met, how, tests."""
    found = [(row["id"], [cell.strip() for cell in _CELLS.split(row["rest"])]) for row in _ROW.finditer(TEXT)]
    assert len(found) == len(dict(found)), "a requirement has two rows"
    return dict(found)


def test_every_requirement_has_its_row_in_order() -> None:
    wanted = [
        f"{chapter[1:]}.{number}" for chapter, numbers in REQUIREMENTS.items() for number in numbers.split()
    ]

    assert list(rows()) == wanted


def test_a_row_says_whether_it_is_met_and_why_not() -> None:
    for number, cells in rows().items():
        requirement, met, how, *tests = cells
        assert requirement, number
        assert met in {"yes", "partly", "no", "n/a"}, number
        assert len(tests) == 1, number
        assert how or tests[0] or met == "n/a", number


def test_the_sums_are_those_of_the_rows() -> None:
    met = Counter(cells[1] for cells in rows().values())
    sums = (
        f"Of {len(rows()) + ABSENT} requirements, {met['yes']} are met, "
        f"{met['partly']} are met in part, {met['no']} are not, and {met['n/a'] + ABSENT} (n/a) do not apply."
    )

    assert sums in " ".join(TEXT.split())


@pytest.mark.parametrize(("path", "name"), sorted(set(_TEST.findall(TEXT))))
def test_a_named_test_exists(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (REPO / path).read_text(), re.MULTILINE)
