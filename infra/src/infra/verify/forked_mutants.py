"""Quick run of mutmut's mutants: each is a fork of one process that has collected the tests and run none.

`make mutants FORKS=1` starts it with mutmut's Python in the copy of the package, as
`python -m infra.verify.forked_mutants CHILDREN PYTEST_ARGUMENT...`. It writes each mutant's exit code to the
file where mutmut has it. A first fork runs all tests once, and records the functions that each calls; a test
that fails there is left out. The fork of a mutant runs the tests that call its function, the shortest first,
until one fails. It changes nothing that is made at import.

SIGTERM ends it early: a mutant that was not tried has no exit code.
"""

import importlib
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

UNDER_TEST = "MUTANT_UNDER_TEST"
SURVIVED, KILLED, UNTESTED, TIMEOUT = 0, 1, 33, 36
"""Exit codes as mutmut writes them."""
SLOWEST_SECONDS = 30.0
"""A mutant is stopped after so long, and 20 times the time that its tests take without it."""
PAUSE_SECONDS = 0.01

Calls = Mapping[str, Sequence[pytest.Item]]
"""By function, as mutmut names it: the tests that call it, the shortest first."""


def main(arguments: Sequence[str]) -> int:
    children, *tests = arguments
    _make_mutants()
    metas = sorted(Path("mutants/src").absolute().rglob("*.meta"))
    codes = {meta: json.loads(meta.read_text()) for meta in metas}
    names = [name for meta in metas for name in codes[meta]["exit_code_by_key"]]
    os.environ[UNDER_TEST] = ""
    os.chdir("mutants")
    forks = Forks(names, int(children))
    pytest.main(["--rootdir=.", "-q", *tests], plugins=[forks])
    for meta, stored in codes.items():
        stored["exit_code_by_key"] |= {
            name: code for name, code in forks.codes.items() if name in stored["exit_code_by_key"]
        }
        meta.write_text(json.dumps(stored))
    return 0 if forks.codes else 1


def _make_mutants() -> None:
    """As `mutmut run` does first. Leaves the folder `mutants/src` first on the path of imports."""
    mutmut: Any = importlib.import_module("mutmut.__main__")
    os.environ[UNDER_TEST] = "mutant_generation"
    Path("mutants").mkdir(exist_ok=True)
    with Path(os.devnull).open("w") as null, redirect_stdout(null):
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.setup_source_paths()
        mutmut.create_mutants(1)


def _called() -> set[str]:
    """Functions that were called since this set was emptied; mutmut's code adds them."""
    state: Any = importlib.import_module("mutmut.state")
    called: set[str] = state.state()._stats
    return called


class Forks:
    """Plugin of pytest that runs the collected tests against each mutant, in place of running them once."""

    def __init__(self, names: Sequence[str], children: int) -> None:
        self.codes: dict[str, int] = {}
        self._names, self._children = names, children
        self._seconds: dict[pytest.Item, float] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return True
        calls = self._calls(session)
        waiting = list(reversed(self._names))
        signal.signal(signal.SIGTERM, lambda *_: waiting.clear())
        running: dict[int, tuple[str, float]] = {}
        while waiting or running:
            while waiting and len(running) < self._children:
                name = waiting.pop()
                if tests := calls.get(name.partition("__mutmut_")[0]):
                    limit = SLOWEST_SECONDS + 20 * sum(self._seconds[test] for test in tests)
                    running[self._fork(session, tests, name)] = name, time.monotonic() + limit
                else:
                    self.codes[name] = UNTESTED
            self._reap(running)
        return True

    def _reap(self, running: dict[int, tuple[str, float]]) -> None:
        pid, status = os.waitpid(-1, os.WNOHANG) if running else (0, 0)
        if pid in running:
            name, _ = running.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            self.codes[name] = code if code in {SURVIVED, KILLED} else TIMEOUT
            return
        for late, (_, ends) in running.items():
            if time.monotonic() > ends:
                os.kill(late, signal.SIGKILL)
        time.sleep(PAUSE_SECONDS)

    def _fork(self, session: pytest.Session, tests: Sequence[pytest.Item], name: str) -> int:
        if pid := os.fork():
            return pid
        code = KILLED
        try:
            _alone(name)
            code = KILLED if any(failed for _, failed in _run(session, tests)) else SURVIVED
        finally:
            os._exit(code)

    def _calls(self, session: pytest.Session) -> Calls:
        reading, writing = os.pipe()
        if not (pid := os.fork()):
            _record(session, writing)
        os.close(writing)
        with os.fdopen(reading) as lines:
            records = [json.loads(line) for line in lines]
        os.waitpid(pid, 0)
        calls = defaultdict[str, list[pytest.Item]](list)
        for number, seconds, failed, called in sorted(records, key=lambda record: float(record[1])):
            test = session.items[number]
            self._seconds[test] = seconds
            if failed:
                print(f"fails without a mutant, and is left out: {test.nodeid}", flush=True)
                continue
            for function in called:
                calls[function].append(test)
        return calls


def _alone(name: str) -> None:
    """What a fork does first: tests write nothing, and a stop of the run is no matter of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.environ[UNDER_TEST] = name


def _run(session: pytest.Session, tests: Sequence[pytest.Item]) -> Iterator[tuple[int, bool]]:
    """Each test's place, and whether it failed."""
    for place, (test, following) in enumerate(zip(tests, [*tests[1:], None], strict=True)):
        session.testsfailed = 0
        session.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
        yield place, bool(session.testsfailed)


def _record(session: pytest.Session, writing: int) -> None:
    """Ends the process. Writes each test's place, seconds, whether it failed, and the functions it called."""
    _alone("stats")
    with os.fdopen(writing, "w") as lines:
        began = time.monotonic()
        for place, failed in _run(session, session.items):
            lines.write(json.dumps([place, time.monotonic() - began, failed, sorted(_called())]) + "\n")
            lines.flush()
            _called().clear()
            began = time.monotonic()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
