"""A sampled mutation run: changes to the package that a test should notice, one at a time, in copies of it all.

``python -m tests.mutants --seed 7 --number 200`` draws changes by the seed and shows each to the tests that run its
lines, the likeliest first, until one fails and fails again by itself. What survives two minutes of tests is to be
read: a test is missing, or the change means nothing. Which test runs which line is recorded first, in one run of the
suite without a change, and kept in ``build/mutants.json``; a test that fails there is left out. Needs Python 3.12.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from tests import mutants_lines
from tests.mutants_fork import AT_IMPORT, PIPE, Asked
from tests.mutants_lines import Chooser
from tests.mutants_made import PACKAGE, Mutant, sample
from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / "build/mutants.json"
LEFT_OUT = tuple(f"tests/{name}" for name in ("sandbox", "browser", "cluster", "sync/test_model", "sync/test_crash"))
"""Tests that run no line of the package, or far too long for each change."""
MOST_SECONDS = 120.0
"""Of tests for one change: thousands run what every import runs."""


def pytest(copy: Path, *arguments: str, seconds: float, lines: Path | None = None) -> str | None:
    """What pytest prints in ``copy`` if a test fails; it records into ``lines``. ``None`` if all is well."""
    environment = _environment(copy, *([lines] if lines else []))
    if lines:
        environment[mutants_lines.FOLDER] = str(lines)
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", *arguments]
    # Into a file: what a test leaves behind may hold a pipe open.
    with tempfile.TemporaryFile("w+") as printed:
        run = subprocess.Popen(
            command, cwd=copy, env=environment, stdout=printed, stderr=subprocess.DEVNULL, start_new_session=True
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(timeout=seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        printed.seek(0)
        return printed.read() if run.wait() not in (0, 4, 5) else None  # 4 and 5: there was no such test


def _environment(copy: Path, *before: Path) -> dict[str, str]:
    paths = os.pathsep.join(map(str, (*before, copy / "plugins", copy)))
    return os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def _ignored() -> list[str]:
    return [f"--ignore-glob={place}*" for place in LEFT_OUT]


class Judge:
    """A copy of the repository, in which one change at a time is made, and a process that has imported its tests."""

    def __init__(self, place: Path, took: dict[str, float]) -> None:
        self.copy, self._took = place, took

    def __enter__(self) -> Judge:
        self._tests, theirs = Pipe()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.mutants_fork",
        ]
        log = Path(f"{self.copy}.log")
        with log.open("w") as output, theirs:
            self._server = subprocess.Popen(
                [*command, "--basetemp", f"{self.copy}.tests", "tests", *_ignored()],
                cwd=self.copy,
                env=_environment(self.copy) | {PIPE: str(theirs.fileno())},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._known: set[str] = self._tests.recv()
        except EOFError:
            raise RuntimeError(f"The tests cannot be imported:\n{log.read_text()}") from None
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._tests.send(None)
        self._server.wait()

    def noticed_by(self, mutant: Mutant, tests: list[str]) -> str:
        """The test that notices the change; empty if none does."""
        tests = [test for test in tests if test in self._known]
        while failed := self._failure(tests, mutant):
            alone = [failed] if failed in tests else tests
            if self._failure(alone, mutant) and not self._failure(alone):
                return failed
            print(f"  not firm, and left out: {failed} with {mutant}", flush=True)
            tests = [test for test in tests if test not in alone]
        return ""

    def _failure(self, tests: list[str], mutant: Mutant | None = None) -> str:
        """The first test that fails with the change; what else went wrong; empty if all is well."""
        if not tests:
            return ""
        file = self.copy / (mutant.path if mutant else PACKAGE / "__init__.py")
        source = file.read_bytes()
        changed = mutant.of(source) if mutant else source
        file.write_bytes(changed)
        try:
            self._tests.send(
                Asked(str(file), source, changed, [(test, 20 + 10 * self._took[test]) for test in tests])
            )
            failed: str = self._tests.recv()
            return self._failure_in_a_new_process(tests) if failed == AT_IMPORT else failed
        finally:
            file.write_bytes(source)

    def _failure_in_a_new_process(self, tests: list[str]) -> str:
        seconds = 120 + 10 * sum(self._took[test] for test in tests)
        printed = pytest(self.copy, "-x", "-n", "0", "--timeout=120", *tests, seconds=seconds)
        if printed is None:
            return ""
        failures = [line.partition(" ")[2] for line in printed.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        of_tests = (test for test in tests for failure in failures if failure.startswith(test))
        return max(of_tests, key=len, default=f"({failures[0] if failures else 'ended, or hangs'})")


def record(copy: Path) -> dict[str, Any]:
    """Which tests of ``copy`` run which lines: as stored if only files of tests have changed; those run anew."""
    now = {
        str(file.relative_to(copy)): hashlib.sha256(file.read_bytes()).hexdigest()
        for pattern in (f"{PACKAGE}/**/*.py", "tests/**/test_*.py")
        for file in copy.glob(pattern)
        if not str(file.relative_to(copy)).startswith(LEFT_OUT)
    }
    stored = json.loads(STORE.read_text()) if STORE.exists() else {"digests": {}, "seconds": {}, "lines": {}}
    changed = {path for path in now.keys() | stored["digests"] if stored["digests"].get(path) != now.get(path)}
    files = sorted(path for path in changed & now.keys() if path.startswith("tests"))
    if changed - set(files):
        files, stored = ["tests"], {"seconds": {}, "lines": {}}
    if files:
        print("Recording which tests run which lines ...", flush=True)
        lines = copy.parent / "lines"
        mutants_lines.prepare(lines)
        plugin = ["-p", "tests.mutants_lines", "-n", "2", "--dist", "worksteal"]
        pytest(copy, *plugin, *_ignored(), *files, seconds=7200, lines=lines)
        found = mutants_lines.read(lines)
        if found["failed"]:
            print(f"These fail without any change, and are left out: {', '.join(sorted(found['failed']))}")
        for kind in ("seconds", "lines"):
            kept = {key: value for key, value in stored[kind].items() if key.partition("::")[0] not in files}
            stored[kind] = kept | found[kind]
        STORE.parent.mkdir(exist_ok=True)
        STORE.write_text(json.dumps({**stored, "digests": now}))
    return stored


def likeliest_first(tests: list[str], took: dict[str, float], path: Path) -> list[str]:
    """The tests by file: those of the module's part first, then those quick together; ``MOST_SECONDS`` of them."""
    files: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        files[test.partition("::")[0]].append(test)
    words = path.relative_to(PACKAGE).with_suffix("").parts

    def place(file: str) -> tuple[int, float]:
        return -sum(word in file for word in words), sum(took[test] for test in files[file])

    ordered = [test for file in sorted(files, key=place) for test in files[file]]
    until = accumulate(took[test] for test in ordered)
    return [test for test, end in zip(ordered, until, strict=True) if end - took[test] < MOST_SECONDS]


def run(drawn: list[Mutant], judges: list[Judge], recorded: dict[str, Any]) -> list[Mutant]:
    """Show each change to its tests, and return those that survive."""
    chooser, took = Chooser(judges[0].copy, recorded), recorded["seconds"]
    waiting, survivors = iter(drawn), list[Mutant]()

    def work(judge: Judge) -> None:
        for mutant in waiting:
            tests = likeliest_first(chooser.tests(mutant), took, mutant.path)
            by = judge.noticed_by(mutant, tests)
            print(f"noticed by {by}: {mutant}" if by else f"SURVIVED {len(tests)} tests: {mutant}", flush=True)
            if not by:
                survivors.append(mutant)

    def begun(judge: Judge) -> None:
        with judge:
            work(judge)

    with ThreadPoolExecutor(len(judges)) as pool:
        list(pool.map(begun, judges))
    return survivors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--only", default="", help="a part of the package, such as ledger or ledger/events.py")
    options = parser.parse_args()
    if sys.version_info < (3, 12):
        print("Python 3.12 or newer is needed: make mutants PYTHON=python3.13 VENV=.venv-3.13")
        return 2
    ignored = shutil.ignore_patterns(".venv*", ".git", "__pycache__", ".*_cache", ".demo", "build", "dist")
    with tempfile.TemporaryDirectory(prefix="edfi-cte-mutants-") as folder, running_postgres() as url:
        os.environ["EDFI_CTE_TEST_POSTGRES"] = url
        # Tests wait for other processes a third of their time.
        copies = [Path(folder) / str(place) for place in range((os.cpu_count() or 1) * 3 // 2)]
        for copy in copies:
            shutil.copytree(ROOT, copy, ignore=ignored)
        recorded = record(copies[0])
        drawn = sample(copies[0], options.seed, options.number, options.only)
        survivors = run(drawn, [Judge(copy, recorded["seconds"]) for copy in copies], recorded)
    print(f"\n{len(drawn) - len(survivors)} of {len(drawn)} noticed, seed {options.seed}. Survivors:")
    for mutant in sorted(survivors):
        print(f"  {mutant}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
