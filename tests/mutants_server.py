"""Judges changes in a copy of the repository: its working directory, which is this process's own.

Airflow and what else is slow to import is imported once; each change has a fork of that, which imports the package,
changed, and runs the tests. Asked by lines of JSON, it answers each by one.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SLOW_IMPORTS = (
    *("airflow", "airflow.models", "airflow.sdk", "airflow.dag_processing.dagbag", "airflow.utils.db"),
    *("airflow.api_fastapi.app", "alembic.command", "duckdb", "fastapi.testclient", "httpx", "hypothesis", "jinja2"),
    *("jsonschema", "msgspec", "psycopg2", "pydantic", "sqlalchemy.dialects.mssql", "structlog", "tenacity", "yarl"),
)
_NOTICED, _UNNOTICED, _NOTHING_RAN = 10, 11, 12


class Chosen:
    """A pytest plugin that runs these tests alone, in their order, and keeps which one failed."""

    def __init__(self, tests: list[str]) -> None:
        self._place = {test: place for place, test in enumerate(tests)}
        self.failed: list[str] = []
        self.passed = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._place), key=lambda item: self._place[item.nodeid]
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)
        self.passed += report.when == "call" and report.passed


def run(tests: list[str], answer: Path) -> int:
    """Run the tests in this process, which is good for nothing else afterwards."""
    chosen = Chosen(tests)
    files = sorted({test.partition("::")[0] for test in tests})
    arguments = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--timeout=120", *files]
    code = pytest.main(arguments, plugins=[chosen])
    answer.write_text(chosen.failed[0] if chosen.failed else f"({chosen.passed} passed)")
    if chosen.failed or code not in (0, 5):
        return _NOTICED
    return _UNNOTICED if chosen.passed else _NOTHING_RAN


def forked(act: Callable[[], int], seconds: float) -> int | None:
    """The result of ``act`` in a fork, which is ended with all that it started; ``None`` if it takes too long."""
    child = os.fork()
    if not child:
        code = 1
        with contextlib.suppress(BaseException):
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            code = act()
        os._exit(code)
    deadline, status = time.monotonic() + seconds, 0
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not done[0]:
        os.waitpid(child, 0)
        return None
    status = done[1]
    # Whatever ended it (a signal, too little memory, an exit of the package's own) was a change that shows.
    return os.waitstatus_to_exitcode(status)


def judge(asked: dict[str, Any], answer: Path, number: int) -> dict[str, Any]:
    """What became of one change: ``noticed``, and by which test."""
    file, home = Path(asked["path"]), Path(os.environ["AIRFLOW_HOME"])
    source, stat = file.read_bytes(), file.stat()

    def shown(tests: list[str]) -> tuple[int | None, str]:
        answer.write_text("(ended)")
        shutil.copy(home / "migrated.db", home / "airflow.db")
        code = forked(lambda: run(tests, answer), asked["seconds"])
        return code, "(hangs)" if code is None else answer.read_text()

    try:
        file.write_bytes(asked["source"].encode())
        # Compiled modules go by size and second: no two changes may have the same.
        os.utime(file, (stat.st_atime, stat.st_mtime + number))
        tests = list(asked["tests"])
        code, by = shown(tests)
        # A failure is believed when it comes again, alone: a machine under load has others.
        while code == _NOTICED and by in tests and shown([by])[0] in (_UNNOTICED, _NOTHING_RAN):
            tests = tests[tests.index(by) + 1 :]
            code, by = shown(tests) if tests else (_UNNOTICED, "(none failed twice)")
    finally:
        file.write_bytes(source)
        os.utime(file, (stat.st_atime, stat.st_mtime))
    return {"noticed": code not in (_UNNOTICED, _NOTHING_RAN), "by": by}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is no answer
    importlib.import_module("tests.conftest")  # Airflow's home, before Airflow is imported
    for name in SLOW_IMPORTS:
        importlib.import_module(name)
    home = Path(os.environ["AIRFLOW_HOME"])

    def migrate() -> int:
        from airflow.utils.db import initdb

        initdb()
        return 0

    if forked(migrate, 120) != 0:
        raise SystemExit("Airflow's database could not be made")
    (home / "airflow.db").rename(home / "migrated.db")
    # Airflow asks every provider for what it has; the forks are to import the package anew.
    for name in [name for name in sys.modules if name.partition(".")[0] == "edfi_cte"]:
        del sys.modules[name]
    for number, line in enumerate(sys.stdin, start=1):
        print(json.dumps(judge(json.loads(line), home / "answer", number)), file=answers, flush=True)


if __name__ == "__main__":
    main()
