"""Which test runs which line of the package: recorded in one run of the suite, for the mutation run to choose by.

As a pytest plugin (``-p tests.mutants_lines``, ``EDFI_CTE_LINES`` names a folder) it writes down each line that a
test runs, in whatever thread or process: ``sys.monitoring`` tells of the former, and processes that a test starts
load the same by the ``sitecustomize`` that :func:`prepare` leaves. What a fixture of a wider scope than one test runs
counts for every test that uses it. What runs before any test, at import, is marked so.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER, CONTEXT = "EDFI_CTE_LINES", "EDFI_CTE_LINES_OF"
AT_IMPORT = "-"
_PACKAGE = "plugins/edfi_cte/"
_TOOL = 3
_SITE = """
import os
if os.environ.get("EDFI_CTE_LINES"):
    from tests import mutants_lines
    mutants_lines.begin(os.environ.get("EDFI_CTE_LINES_OF", "-"))
"""


def prepare(folder: Path) -> None:
    """Make the folder that is recorded into; it has to be on the path of Python's modules."""
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(_SITE)


class Recorder:
    """Writes each line of the package once for each context; a process that is killed has written what it ran."""

    def __init__(self, folder: str, context: str = AT_IMPORT) -> None:
        self._file = os.open(f"{folder}/{os.getpid()}.lines", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.context = context
        self.wide_seconds = 0.0

    def start(self) -> None:
        # Not there before Python 3.12, which main() asks for.
        monitoring: Any = getattr(sys, "monitoring")  # noqa: B009
        self._again, self._off = monitoring.restart_events, monitoring.DISABLE
        self._watch = lambda code: monitoring.set_local_events(_TOOL, code, monitoring.events.LINE)
        monitoring.use_tool_id(_TOOL, "edfi-cte-lines")
        monitoring.register_callback(_TOOL, monitoring.events.PY_START, self._function)
        monitoring.register_callback(_TOOL, monitoring.events.LINE, self._line)
        monitoring.set_events(_TOOL, monitoring.events.PY_START)
        atexit.register(monitoring.set_events, _TOOL, 0)

    def begin(self, context: str) -> None:
        self.context = os.environ[CONTEXT] = context
        self._again()

    def write(self, kind: str, *values: object) -> None:
        os.write(self._file, ("\t".join([kind, *map(str, values)]) + "\n").encode())

    def _function(self, code: Any, _offset: int) -> Any:
        if _PACKAGE in code.co_filename:
            self._watch(code)
        return self._off

    def _line(self, code: Any, line: int) -> Any:
        path = _PACKAGE + code.co_filename.rpartition(_PACKAGE)[2]
        self.write("line", self.context, path, line)
        return self._off


_recorder: Recorder | None = None


def begin(context: str) -> None:
    """Record from here on in this process."""
    global _recorder
    _recorder = _recorder or Recorder(os.environ[FOLDER], context)
    _recorder.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    assert _recorder is not None
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        if definitions[-1].scope != "function":
            _recorder.write("uses", item.nodeid, _wide(definitions[-1]))
    _recorder.begin(item.nodeid)
    _recorder.wide_seconds, started = 0.0, time.monotonic()
    try:
        return (yield)
    finally:
        _recorder.begin(AT_IMPORT)
        _recorder.write("took", item.nodeid, round(time.monotonic() - started - _recorder.wide_seconds, 3))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Iterator[None]:
    assert _recorder is not None
    if fixturedef.scope == "function":
        return (yield)
    before, started, within = _recorder.context, time.monotonic(), _recorder.wide_seconds
    _recorder.begin(_wide(fixturedef))
    try:
        return (yield)
    finally:
        _recorder.begin(before)
        took = time.monotonic() - started
        _recorder.wide_seconds = within + took
        _recorder.write("made", _wide(fixturedef), round(took, 3))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if _recorder is not None and (report.failed or report.skipped):
        _recorder.write("failed" if report.failed else "skipped", report.nodeid)


def _wide(definition: Any) -> str:
    return f"fixture {definition.baseid} {definition.argname}"


class Recorded:
    """What was recorded: the ``seconds`` of each test, the tests of each of ``lines`` (path, line), what ``failed``.

    A test's seconds are those that it takes alone, with all of its fixtures.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.lines: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.failed: set[str] = set()

    @classmethod
    def read(cls, folder: Path) -> Recorded:
        rows: dict[str, list[list[str]]] = defaultdict(list)
        for file in sorted(folder.glob("*.lines")):
            for row in file.read_text().splitlines():
                kind, *values = row.split("\t")
                rows[kind].append(values)
        uses: dict[str, set[str]] = defaultdict(set)
        for test, fixture in rows["uses"]:
            uses[fixture].add(test)
        found = cls()
        found.failed = {test for [test] in rows["failed"]}
        found.seconds = {test: float(seconds) for test, seconds in rows["took"]}
        for fixture, seconds in dict(rows["made"]).items():
            for test in uses[fixture] & found.seconds.keys():
                found.seconds[test] += float(seconds)
        left_out = found.failed | {test for [test] in rows["skipped"]}
        for context, path, line in rows["line"]:
            tests = uses[context] if context.startswith("fixture ") else {context}
            found.lines[path, int(line)] |= tests - left_out
        return found

    def as_json(self) -> dict[str, Any]:
        place = {test: number for number, test in enumerate(self.seconds)}
        lines = [
            [path, line, [place[test] for test in tests if test in place] + ([-1] if AT_IMPORT in tests else [])]
            for (path, line), tests in self.lines.items()
        ]
        return {"seconds": self.seconds, "lines": lines}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Recorded:
        found = cls()
        found.seconds = stored["seconds"]
        tests = [*found.seconds, AT_IMPORT]
        for path, line, places in stored["lines"]:
            found.lines[path, line] = {tests[place] for place in places}
        return found

    def without(self, files: set[str], modules: set[str]) -> None:
        """Forget the tests of these files, and the lines of these modules."""
        self.seconds = {test: took for test, took in self.seconds.items() if test.partition("::")[0] not in files}
        for place, tests in list(self.lines.items()):
            tests -= {test for test in tests if test.partition("::")[0] in files}
            if place[0] in modules:
                del self.lines[place]

    def add(self, other: Recorded) -> None:
        self.seconds |= other.seconds
        self.failed |= other.failed
        for line, tests in other.lines.items():
            self.lines[line] |= tests
