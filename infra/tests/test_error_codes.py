"""Every refusal that a service declares has a code from the contract's list."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SERVICES = ("auth", "tickets", "orders", "payments", "client")
CARRIERS = frozenset({"BadRequest", "Unavailable", "PaymentRequired", "ErrorEntry"})
"""Generic errors, whose default code does not name the reason."""


def _trees(service: str) -> Iterator[tuple[str, ast.Module]]:
    for source in (REPO / service / "src").rglob("*.py"):
        yield str(source.relative_to(REPO)), ast.parse(source.read_text())


def _without_code(tree: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """Declared errors without a code, and raised generic errors without one."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(bases=[ast.Name(id=base)]) if base in CARRIERS:
                if not any(_names_a_code(statement) for statement in node.body):
                    yield node
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=[_, *_], keywords=keywords)):
                if name in CARRIERS and not any(keyword.arg == "code" for keyword in keywords):
                    yield node


def _names_a_code(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id="code")], value=ast.Attribute(value=ast.Name(id="ErrorCode"))):
            return True
    return False


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_of_a_service_names_its_code(service: str) -> None:
    found = [f"{path}:{node.lineno}" for path, tree in _trees(service) for node in _without_code(tree)]

    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_validator_refuses_with_a_code(service: str) -> None:
    """A bare ValueError in a validator would only result in `<field>-invalid`."""
    bare = [
        f"{path}:{node.lineno}"
        for path, tree in _trees(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id == "ValueError"
    ]

    assert bare == []


def test_the_check_itself_finds_what_has_no_code() -> None:
    tree = ast.parse(
        "class A(BadRequest):\n    default_message = 'x'\n"
        "class B(BadRequest):\n    code = ErrorCode.B\n"
        "def f():\n    raise BadRequest('x')\n"
        "def g():\n    raise BadRequest('x', code=ErrorCode.B)\n"
    )

    assert [node.lineno for node in _without_code(tree)] == [1, 6]
