"""The style sheets and the templates use the same classes, and no rule is damaged."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from client.domain import LISTING_STATES, SALE_STATES, STAGES, Stage

SHEETS = ("style.css", "content.css")
OF_SCRIPTS = {"htmx-request", "soon"}
"""Classes that a script adds."""

Rule = tuple[str, str]
"""The at-rules around a selector, and the selector."""


def read(folder: str, ending: str) -> list[str]:
    """Texts of a folder's files, and of the folders in it."""
    found = Path(str(files("client").joinpath(folder))).rglob(f"*{ending}")
    return [file.read_text() for file in found]


def rules(sheet: str) -> Iterator[tuple[Rule, str]]:
    """Every selector of a sheet, those of a list one by one, with each property that is set for it."""
    text = re.sub(r"/\*.*?\*/", "", files("client").joinpath("static", sheet).read_text(), flags=re.DOTALL)
    around: list[str] = []
    selectors: list[str] = []
    for part, sign in re.findall(r"([^{};]*)([{};])", re.sub(r'"[^"]*"', '""', text)):
        words = " ".join(part.split())
        if sign == "{" and words.startswith("@"):
            around.append(words)
        elif sign == "{":
            selectors = re.split(r",\s*(?![^(]*\))", words)
        else:
            name = words.partition(":")[0]
            yield from (((" ".join(around), selector), name) for selector in selectors if name)
            if sign == "}" and not selectors:
                around.pop()
            elif sign == "}":
                selectors = []
    assert around == []


ALL: Mapping[Rule, list[str]] = defaultdict(list)
"""The properties of every rule, in their order."""
for _sheet in SHEETS:
    for _rule, _property in rules(_sheet):
        ALL[_rule].append(_property)


def styled() -> set[str]:
    return {name for _, selector in ALL for name in re.findall(r"\.([a-z][\w-]*)", selector)}


def used() -> set[str]:
    """Classes of the templates. Of an expression within an attribute, each text in it is one."""
    names: set[str] = set()
    for template in read("templates", ".html"):
        for value in re.findall(r'class="((?:[^"{]|\{\{.*?\}\})*)"', template):
            plain = re.sub(r"\{\{.*?\}\}", lambda found: " ".join(re.findall(r"'([^']*)'", found[0])), value)
            names |= set(plain.split())
    return names


STATES = {*LISTING_STATES, *SALE_STATES, *STAGES, *(stage.name.lower() for stage in Stage)}
"""Classes of badges; a state without a style of its own is grey."""


def test_every_styled_class_is_used_by_a_page() -> None:
    assert styled() - used() - OF_SCRIPTS <= STATES


def test_every_class_of_a_page_has_a_style() -> None:
    assert used() - styled() == set()


@pytest.mark.parametrize("name", sorted(OF_SCRIPTS))
def test_a_class_of_a_script_is_in_a_script(name: str) -> None:
    vendor = files("client").joinpath("static", "vendor", "htmx.min.js").read_text()

    assert any(f'"{name}"' in script for script in [*read("static", ".js"), vendor])


def test_no_property_of_a_selector_is_set_twice_in_one_place() -> None:
    counted = Counter((rule, name) for rule, names in ALL.items() for name in names)

    assert [setting for setting, times in counted.items() if times > 1] == []


def test_no_selector_names_a_class_within_itself() -> None:
    """As `.rows .rows` does, which matches no element."""
    for _, selector in ALL:
        ancestors = re.sub(r"\([^)]*\)|\S+\s*[+~]", "", selector)
        compounds = re.split(r"[\s>]+", ancestors)
        names = [name for compound in compounds for name in set(re.findall(r"\.[a-z][\w-]*", compound))]
        assert len(names) == len(set(names)), selector
