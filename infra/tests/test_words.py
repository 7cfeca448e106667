"""What the services refuse with is known to the pages' catalogues."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SERVICES = ("auth", "tickets", "orders", "payments")
FOR_PROGRAMS = {
    "TicketId must be provided",
    "OrderId must be provided",
    "The webhook's signature is not valid",
    "Status is for one's own listings",
}
"""No form of the pages can bring these about."""


def _texts(tree: ast.AST) -> Iterator[str]:
    """What is refused with, where it stands as one text."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="default_message")], value=ast.Constant(value=str(text))):
                yield text
            case ast.Call(
                func=ast.Name(id="ValueError" | "BadRequest"), args=[ast.Constant(value=str(text)), *_]
            ):
                yield text


def _refusals(service: str) -> set[str]:
    sources = (REPO / service / "src").rglob("*.py")
    return {text for source in sources for text in _texts(ast.parse(source.read_text()))}


def _known() -> set[str]:
    tree = ast.parse((REPO / "client/src/client/words.py").read_text())
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_of_a_service_has_its_words_in_the_catalogues(service: str) -> None:
    refusals = _refusals(service)

    assert len(refusals) > 3
    assert refusals - _known() - FOR_PROGRAMS == set()
