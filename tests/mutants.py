"""A sampled mutation run: changes to the package that a test should notice, one at a time, in copies of it all.

``python -m tests.mutants --seed 7 --number 200`` draws changes by the seed, runs for each the tests that run its
lines (quickest first), and lists what no test noticed. Each survivor is to be read: a test is missing, or the change
changes nothing. Which test runs which line is recorded first, and kept in ``build/mutants.json``: afterwards only
tests whose files, or whose package lines' files, have changed are recorded anew. Needs Python 3.12.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

from tests.mutants_chosen import Chooser
from tests.mutants_lines import FOLDER, Recorded, prepare
from tests.mutants_made import PACKAGE, Mutant, sample

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / "build/mutants.json"
LEFT_OUT = ("tests/sandbox", "tests/browser", "tests/cluster", "tests/sync/test_model.py", "tests/sync/test_crash.py")
"""Tests that run no line of the package, or far too long for each change."""

FIRST_SECONDS = 15
"""A change is first shown to its quickest tests; those of longer runs judge what is left at the end."""


class Verdict(NamedTuple):
    mutant: Mutant
    noticed: bool
    by: str
    later: list[str]
    """Tests that have not run yet."""


class Worker:
    """A copy of the repository, and the process that judges changes in it."""

    def __init__(self, place: Path) -> None:
        self.copy = place
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants_server"],
            cwd=place,
            env=environment(place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def judge(self, mutant: Mutant, tests: list[str], seconds: float) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        source = mutant.of((self.copy / mutant.path).read_bytes()).decode()
        asked = {"path": str(mutant.path), "source": source, "tests": tests, "seconds": seconds}
        stdin.write(json.dumps(asked) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def environment(copy: Path, *more: Path) -> dict[str, str]:
    paths = os.pathsep.join(map(str, (*more, copy / "plugins", copy)))
    return os.environ | {"PYTHONPATH": paths}


def record(copy: Path, folder: Path, only: list[str]) -> Recorded:
    """Run the tests of ``copy``, all or these files of them, and record the lines of each."""
    prepare(folder)
    ignored = [f"--ignore={place}" for place in LEFT_OUT]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "tests.mutants_lines", "-p", "no:cacheprovider"]
    subprocess.run(
        [*command, "--dist", "worksteal", "--timeout=300", *ignored, *only],
        check=False,
        cwd=copy,
        env=environment(copy, folder) | {FOLDER: str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Recorded.read(folder)


def recorded_of(copy: Path, folder: Path) -> Recorded:
    """What is recorded of the tests of ``copy``, brought up to date."""
    now = {
        str(file.relative_to(copy)): hashlib.sha256(file.read_bytes()).hexdigest()
        for pattern in (f"{PACKAGE}/**/*.py", "tests/**/test_*.py")
        for file in copy.glob(pattern)
        if not str(file.relative_to(copy)).startswith(LEFT_OUT)
    }
    stored = json.loads(STORE.read_text()) if STORE.exists() else {"digests": {}, "seconds": {}, "lines": []}
    known, changed = Recorded.of_json(stored), {path for path in now if stored["digests"].get(path) != now[path]}
    gone = set(stored["digests"]) - set(now)
    stale = {path for path in changed if path.startswith("tests/")}
    for (path, _line), tests in known.lines.items():
        if path in changed | gone:
            stale |= {test.partition("::")[0] for test in tests}
    stale &= set(now)
    if not stale:
        return known
    print(f"Recording which lines {len(stale)} files of tests run ...", flush=True)
    known.without(stale | gone, changed | gone)
    known.add(record(copy, folder, sorted(stale) if stored["digests"] else []))
    STORE.parent.mkdir(exist_ok=True)
    STORE.write_text(json.dumps({"digests": now, **known.as_json()}))
    return known


def run(drawn: list[Mutant], workers: list[Worker], chooser: Chooser, minutes: float) -> list[Verdict]:
    """Judge what was drawn; what no quick test notices is shown to the others last, for which a third is kept.

    When the time is up nothing more is begun, and what is not judged to its end is left out.
    """
    free: Queue[Worker] = Queue()
    for worker in workers:
        free.put(worker)
    started = time.monotonic()

    def judge(mutant: Mutant, tests: list[str], limit: float, until: float) -> Verdict | None:
        now = [test for place, test in enumerate(tests) if place == 0 or chooser.seconds(tests[: place + 1]) < limit]
        if not now:
            verdict = Verdict(mutant, noticed=False, by="(no test runs it)", later=[])
        elif time.monotonic() > started + 60 * until:
            return None
        else:
            worker = free.get()
            try:
                answer = worker.judge(mutant, now, 120 + 10 * chooser.seconds(now))
            finally:
                free.put(worker)
            later = [] if answer["noticed"] else tests[len(now) :]
            verdict = Verdict(mutant, answer["noticed"], answer["by"], later)
        word = "noticed " if verdict.noticed else "not yet " if verdict.later else "SURVIVED"
        print(f"{word} {mutant} {verdict.by}", flush=True)
        return verdict

    def first(mutant: Mutant) -> Verdict | None:
        return judge(mutant, chooser.tests(mutant), FIRST_SECONDS, minutes * 2 / 3)

    def last(verdict: Verdict | None) -> Verdict | None:
        return judge(verdict.mutant, verdict.later, 600, minutes) if verdict and verdict.later else verdict

    with ThreadPoolExecutor(len(workers)) as pool:
        verdicts = pool.map(last, list(pool.map(first, drawn)))
        return [verdict for verdict in verdicts if verdict is not None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--only", default="", help="a part of the package, such as ledger or ledger/events.py")
    parser.add_argument(
        "--minutes",
        type=float,
        default=600,
        help="begin no further change after so long, once the lines are recorded",
    )
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    if sys.version_info < (3, 12):
        print("Python 3.12 or newer is needed: make mutants PYTHON=python3.13 VENV=.venv-3.13")
        return 2
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edfi-cte-mutants-") as folder:
        copies = [_copy(Path(folder) / str(place)) for place in range(options.at_once)]
        recorded = recorded_of(copies[0], Path(folder) / "lines")
        if recorded.failed:
            print(f"These fail without any change, and are left out: {', '.join(sorted(recorded.failed))}")
        drawn = sample(copies[0], options.seed, options.number, options.only)
        chooser, workers = Chooser(copies[0], recorded), [Worker(copy) for copy in copies]
        try:
            verdicts = run(drawn, workers, chooser, options.minutes)
        finally:
            for worker in workers:
                worker.close()
    _tell(verdicts, options.seed, (time.monotonic() - started) / 60)
    return 0


def _tell(verdicts: list[Verdict], seed: int, minutes: float) -> None:
    survivors = [verdict for verdict in verdicts if not verdict.noticed]
    print(
        f"\n{len(verdicts) - len(survivors)} of {len(verdicts)} noticed, {minutes:.0f} min, seed {seed}. Survivors:"
    )
    for verdict in sorted(survivors, key=lambda one: one.mutant):
        print(f"  {verdict.mutant} {verdict.by}")


def _copy(place: Path) -> Path:
    ignored = shutil.ignore_patterns(
        ".venv*", ".git", "__pycache__", ".*_cache", ".demo", "build", "dist", "node_modules"
    )
    shutil.copytree(ROOT, place, ignore=ignored)
    return place


if __name__ == "__main__":
    sys.exit(main())
