"""The quick run of mutants, on a package of four functions with mutants that are written by hand."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

MUTMUT = '''
import json
from pathlib import Path

SOURCE = """
import os
from mutmut.state import state

def switched(name, value, mutants):
    mutant = os.environ["MUTANT_UNDER_TEST"]
    if mutant == "stats":
        state()._stats.add("small.x_" + name)
    return mutants.get(mutant, value)

def add(a, b):
    return switched("add", a + b, {"small.x_add__mutmut_1": a - b, "small.x_add__mutmut_2": b + a})

def broken():
    return switched("broken", 1, {"small.x_broken__mutmut_1": 2})

def crashed():
    if switched("crashed", False, {"small.x_crashed__mutmut_1": True}):
        os.abort()
"""
MUTANTS = ("add__mutmut_1", "add__mutmut_2", "broken__mutmut_1", "crashed__mutmut_1", "unused__mutmut_1")

def copy_src_dir():
    Path("mutants/src").mkdir(parents=True)

def copy_also_copy_files():
    Path("mutants/test_small.py").write_text(Path("test_small.py").read_text())

def setup_source_paths():
    import sys
    sys.path.insert(0, str(Path("mutants/src").absolute()))

def create_mutants(children):
    Path("mutants/src/small.py").write_text(SOURCE)
    codes = {f"small.x_{name}": None for name in MUTANTS}
    Path("mutants/src/small.py.meta").write_text(json.dumps({"kept": 1, "exit_code_by_key": codes}))
'''
STATE = """
class State:
    _stats = set()

def state():
    return State
"""
TESTS = """
from small import add, broken, crashed

def test_sum(): assert add(2, 1) == 3
def test_failing_without_a_mutant(): assert broken() == 3
def test_crash(): crashed()
def test_nothing(): pass
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "mutmut").mkdir()
    (tmp_path / "mutmut" / "__init__.py").touch()
    (tmp_path / "mutmut" / "__main__.py").write_text(MUTMUT)
    (tmp_path / "mutmut" / "state.py").write_text(STATE)
    (tmp_path / "test_small.py").write_text(TESTS)
    return tmp_path


def run(package: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "infra.verify.forked_mutants", *arguments]
    env = {**os.environ, "PYTHONPATH": str(package)}
    done = subprocess.run(command, cwd=package, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_each_mutant_is_judged_by_the_tests_that_call_its_function(package: Path) -> None:
    code, output = run(package, "2", "-p", "no:cacheprovider", "test_small.py")

    stored: Mapping[str, object] = json.loads((package / "mutants/src/small.py.meta").read_text())
    assert stored == {
        "kept": 1,
        "exit_code_by_key": {
            "small.x_add__mutmut_1": 1,
            "small.x_add__mutmut_2": 0,
            "small.x_broken__mutmut_1": 33,
            "small.x_crashed__mutmut_1": 36,
            "small.x_unused__mutmut_1": 33,
        },
    }
    assert code == 0
    assert "left out: test_small.py::test_failing_without_a_mutant" in output


def test_tests_that_cannot_be_collected_are_a_failure(package: Path) -> None:
    (package / "test_small.py").write_text("import absent")

    code, _ = run(package, "2", "test_small.py")

    assert code == 1
