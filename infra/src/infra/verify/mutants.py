"""Mutation testing: `make mutants SOURCE=orders/src/orders/domain.py`.

It changes one thing at a time, and runs the tests.

SOURCE is one module, or a folder of them, or several of one package; TESTS narrows the unit tests to some
of its files. mutmut works in a copy of the package; each mutant runs only the tests that call its function.
FORKS=1 is quicker: it collects the tests once (`forked_mutants.py`). The command prints how many mutants were
made and killed, and each survivor with its change. Exits 1 if no mutant was made, or the tests fail without
one. docs/mutants.md holds the survivors that are known, with their reasons.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[4]
MUTMUT = ROOT / ".tools" / "mutmut" / "bin" / "mutmut"
CHILDREN = 2
"""Mutants at a time. Those with real servers run one by one: their tests share the one event stream."""
KILLED, SURVIVED, UNTESTED, STOPPED = "killed", "survived", "no test calls it", "stopped"
OUTCOMES = {0: SURVIVED, 1: KILLED, 2: KILLED, 3: KILLED, 5: UNTESTED, 33: UNTESTED}
"""mutmut's exit codes. The others are STOPPED: too slow, died, or could not run its tests at all."""
PRELOADED = (
    *("pytest", "_hypothesis_pytestplugin", "anyio.pytest_plugin", "pytest_asyncio.plugin"),
    *("schemathesis.pytest.plugin", "fastapi", "httpx", "jwt", "mongomock_motor", "motor.motor_asyncio"),
    *("nats", "prometheus_client", "pydantic_settings", "uvicorn"),
)
"""What takes seconds to load, and no mutant changes; where it is not installed, it is left out."""
FREEZE = "frozen_heap"
"""The module that is loaded last. pytest collects garbage at each end: half of a short run, without it."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.verify.mutants", description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path, help="modules or folders, from the project's root")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="test files, from the package's folder")
    parser.add_argument("--connected", action="store_true", help="the tests on real servers, too")
    parser.add_argument("--forks", action="store_true", help="quick: collect the tests once")
    options = parser.parse_args(arguments)
    if options.connected and "TEST_NATS_URL" not in os.environ:
        python = [sys.executable, "-m"]
        within = [*python, "infra.dev.testing", "--", *python, "infra.verify.mutants", *arguments]
        os.execv(sys.executable, within)
    packages = {_package(source) for source in options.sources}
    if len(packages) > 1:
        raise SystemExit("the sources are of several packages")
    (package,) = packages
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / package.name
        shutil.copytree(ROOT / package, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        patterns = [_pattern(source.relative_to(package)) for source in options.sources]
        _configure(copy, patterns, options)
        log = _run(copy, 1 if options.connected else CHILDREN, options)
        outcomes = _outcomes(copy)
        if not outcomes:
            sys.stderr.write(f"{log[-3000:]}\nno mutant was tried\n")
            return 1
        _print(options.sources, outcomes, copy)
    return 0


def _package(source: Path) -> Path:
    """The folder of the package, such as examples/blog: the one that holds `src`."""
    before_src = source.parts[: source.parts.index("src")] if "src" in source.parts else ()
    if not before_src or not (ROOT / source).exists():
        raise SystemExit(f"{source} is no module or folder in a package's src")
    return Path(*before_src)


def _pattern(source: Path) -> str:
    return str(source) if source.suffix == ".py" else f"{source}/*"


def _pytest_arguments(options: argparse.Namespace) -> Sequence[str]:
    quiet = ("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
    return [*quiet, *(("-m", "") if options.connected else ())]


def _configure(copy: Path, patterns: Sequence[str], options: argparse.Namespace) -> None:
    settings = {
        "source_paths": ["src"],
        "only_mutate": patterns,
        "also_copy": ["tests"],
        "pytest_add_cli_args": _pytest_arguments(options),
        # Each mutant gets a process that has loaded no test yet. In one that has, pytest escapes ids such as
        # [\x7f] once more and does not find them, which counts as killed; and classes and gauges are old.
        "process_isolation": "forkserver",
        "forkserver_warmup": "import",
        "preload_modules_file": "preloaded",
        "pytest_add_cli_args_test_selection": list(options.tests),
        "use_git_change_detection": False,
        # The words of a log line are no behaviour that a test should hold; `make crashes` tries crash points.
        "do_not_mutate_patterns": [r"^\s*log\.", r"^\s*reached\("],
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    (copy / "preloaded").write_text("\n".join((*PRELOADED, FREEZE)))
    (copy / "src" / f"{FREEZE}.py").write_text("import gc\n\ngc.freeze()\n")
    with (copy / "pyproject.toml").open("a") as pyproject:
        pyproject.write(f"\n[tool.mutmut]\n{lines}")


def _run(copy: Path, children: int, options: argparse.Namespace) -> str:
    command = [str(MUTMUT), "run", "--max-children", str(children)]
    if options.forks:
        module = [str(MUTMUT.with_name("python")), "-m", "infra.verify.forked_mutants"]
        command = [*module, str(children), *_pytest_arguments(options), *options.tests]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False).stdout


def _outcomes(copy: Path) -> Mapping[str, str]:
    """Outcome of each mutant, by its name."""
    found: dict[str, str] = {}
    for meta in sorted((copy / "mutants" / "src").rglob("*.meta")):
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            if code is not None:
                found[name] = OUTCOMES.get(code, STOPPED)
    return found


def _print(sources: Sequence[Path], outcomes: Mapping[str, str], copy: Path) -> None:
    for name, outcome in outcomes.items():
        if outcome != KILLED:
            shown = subprocess.run(
                [str(MUTMUT), "show", name], cwd=copy, capture_output=True, text=True, check=False
            )
            print(f"{shown.stdout.strip()}\n")
    for source in sources:
        counts = Counter(outcome for name, outcome in outcomes.items() if name.startswith(_module(source)))
        print(
            f"{source}: {counts.total()} mutants, {counts[KILLED]} killed, {counts[SURVIVED]} survived, "
            f"{counts[UNTESTED]} in code that no test calls, {counts[STOPPED]} stopped without a verdict"
        )


def _module(source: Path) -> str:
    """What the names of a source's mutants begin with, such as `orders.domain.`."""
    parts = source.with_suffix("").parts
    inner = parts[parts.index("src") + 1 :]
    return "".join(f"{part}." for part in inner if part != "__init__")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
