"""Which test runs which line of the package: a pytest plugin that writes it down, for the mutation run to choose by.

``sys.monitoring`` tells of every thread; processes that a test starts record too, by the ``sitecustomize`` that
:func:`prepare` leaves. What a fixture of a wider scope runs counts for every test of the file that it is made in;
what runs before any test, at import, for none.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER, CONTEXT = "EDFI_CTE_LINES", "EDFI_CTE_LINES_OF"
AT_IMPORT = "-"
_PACKAGE = "plugins/edfi_cte/"
_TOOL = 3


def prepare(folder: Path) -> None:
    """Make the folder that is recorded into; it has to be on the path of Python's modules."""
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(f"import os\nif '{FOLDER}' in os.environ: import tests.mutants_lines\n")


class _Recorder:
    """Writes each line once for each context, at once: a process that is killed has written what it ran."""

    def __init__(self, folder: str) -> None:
        self.context = os.environ.get(CONTEXT, AT_IMPORT)
        self._file = os.open(f"{folder}/{os.getpid()}.lines", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        # Not there before Python 3.12, which the mutation run asks for.
        self._monitoring: Any = getattr(sys, "monitoring")  # noqa: B009
        self._monitoring.use_tool_id(_TOOL, "edfi-cte-lines")
        events = self._monitoring.events
        self._monitoring.register_callback(_TOOL, events.PY_START, self._function)
        self._monitoring.register_callback(_TOOL, events.LINE, self._line)
        self._monitoring.set_events(_TOOL, events.PY_START)
        atexit.register(self._monitoring.set_events, _TOOL, 0)

    def begin(self, context: str) -> None:
        self.context = os.environ[CONTEXT] = context
        self._monitoring.restart_events()

    def write(self, *values: object) -> None:
        os.write(self._file, ("\t".join(map(str, values)) + "\n").encode())

    def _function(self, code: Any, _offset: int) -> Any:
        if _PACKAGE in code.co_filename:
            self._monitoring.set_local_events(_TOOL, code, self._monitoring.events.LINE)
        return self._monitoring.DISABLE

    def _line(self, code: Any, line: int) -> Any:
        self.write("line", self.context, _PACKAGE + code.co_filename.rpartition(_PACKAGE)[2], line)
        return self._monitoring.DISABLE


if FOLDER in os.environ:
    _recorder = _Recorder(os.environ[FOLDER])


def pytest_collection_finish(session: pytest.Session) -> None:
    for item in session.items:
        _recorder.write("test", item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _recorder.begin(item.nodeid)
    try:
        return (yield)
    finally:
        _recorder.begin(AT_IMPORT)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Iterator[None]:
    before = _recorder.context
    if fixturedef.scope != "function":
        _recorder.begin(before.partition("::")[0])
    try:
        return (yield)
    finally:
        if fixturedef.scope != "function":
            _recorder.begin(before)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # With pytest-xdist, the tests' process and the one that gathers their reports both have it.
    _recorder.write("phase", report.nodeid, report.when, report.outcome, report.duration)


def read(folder: Path) -> dict[str, Any]:
    """What was recorded: the ``seconds`` of each test that passed, the tests that ``failed``, and the ``lines``.

    The latter are by context, which is a test or a file of tests, then by path.
    """
    lines: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    phases: dict[str, dict[str, tuple[str, float]]] = defaultdict(dict)
    for file in folder.glob("*.lines"):
        for row in file.read_text().splitlines():
            match row.split("\t"):
                case ["line", context, path, line]:
                    lines[context][path].add(int(line))
                case ["test", test]:
                    phases.setdefault(test, {})
                case ["phase", test, when, outcome, seconds]:
                    phases[test][when] = (outcome, float(seconds))
    outcomes = {test: {outcome for outcome, _ in of.values()} for test, of in phases.items()}
    passed = (test for test, of in outcomes.items() if of == {"passed"})
    return {
        "seconds": {test: sum(seconds for _, seconds in phases[test].values()) for test in passed},
        "failed": [test for test, of in outcomes.items() if "failed" in of],
        "lines": {context: {path: sorted(of[path]) for path in of} for context, of in lines.items()},
    }
