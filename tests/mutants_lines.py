"""Which test runs which line of the package: a pytest plugin that writes it down, and what chooses tests by it.

``sys.monitoring`` tells of every thread; processes that a test starts record too, by the ``sitecustomize`` that
:func:`prepare` leaves. What a fixture of a wider scope runs counts for every test of the file that it is made in;
what runs before any test, at import, for none.
"""

from __future__ import annotations

import ast
import atexit
import functools
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutants_made import PACKAGE, Mutant

FOLDER, CONTEXT = "EDFI_CTE_LINES", "EDFI_CTE_LINES_OF"
AT_IMPORT = "-"
_PACKAGE = f"{PACKAGE}/"
_TOOL = 3
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_GIVING = (*_FUNCTIONS, ast.ClassDef, ast.Assign, ast.AnnAssign)
"""Statements that give a name."""


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


class Chooser:
    """Chooses tests of the package in ``root`` by what was recorded of it.

    What runs once, at import or from a cache, is seen by any test that runs what names it: a constant's, a class's.
    And by those that import of the module's part: what they read there need not run a line of the package.
    """

    def __init__(self, root: Path, recorded: dict[str, Any]) -> None:
        self._tests: dict[str, set[str]] = defaultdict(set)
        self._order = {test: place for place, test in enumerate(recorded["seconds"])}
        for test in self._order:
            self._tests[test].add(test)
            self._tests[test.partition("::")[0]].add(test)
        self._contexts: dict[tuple[str, int], set[str]] = defaultdict(set)
        for context, of_context in recorded["lines"].items():
            for path, lines in of_context.items():
                for line in lines:
                    self._contexts[path, line].add(context)
        self._texts = {file: (root / file).read_text(encoding="utf-8") for file in self._tests if "::" not in file}
        self._statements: dict[str, list[ast.stmt]] = {}
        self._mentions: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for file in sorted((root / PACKAGE).rglob("*.py")):
            path, source = str(file.relative_to(root)), file.read_text(encoding="utf-8")
            self._statements[path] = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
            for line, text in enumerate(source.splitlines(), start=1):
                for word in set(re.findall(r"\w+", text)):
                    self._mentions[word].append((path, line))

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that may notice the change, in the suite's order; none if no test runs its lines."""
        contexts, wanted = map(set, self._at(str(mutant.path), mutant.line))
        seen = set[str]()
        if wanted:
            part = re.escape(".".join(mutant.path.with_suffix("").parts[1:3]))
            contexts |= {file for file, text in self._texts.items() if re.search(rf"\b{part}\b", text)}
        while wanted:
            seen.add(name := wanted.pop())
            for path, line in self._mentions[name]:
                more, names = self._at(path, line)
                contexts |= more
                wanted |= names - seen
        return sorted({test for context in contexts for test in self._tests[context]}, key=self._order.__getitem__)

    @functools.cache  # noqa: B019 - there is one of it
    def _at(self, path: str, line: int) -> tuple[set[str], set[str]]:
        """What runs the statement at a line; if that is once, the names by which others see what it makes."""
        around = [node for node in self._statements[path] if _first(node) <= line <= (node.end_lineno or 0)]
        if not around:
            return set(), set()
        inner, giving = around[-1], [node for node in around if isinstance(node, _GIVING)]
        body = getattr(inner, "body", None)
        last = max(line, body[0].lineno - 1) if body else inner.end_lineno or line
        contexts = {context for at in range(inner.lineno, last + 1) for context in self._contexts[path, at]}
        functions = [node for node in giving if isinstance(node, _FUNCTIONS) and node.body[0].lineno <= line]
        if functions:
            cached = any("cache" in ast.unparse(decorator) for decorator in functions[-1].decorator_list)
            giving = functions[-1:] if cached or AT_IMPORT in contexts else []
        names = {
            getattr(node, "name", ast.unparse(node).partition("=")[0].partition(":")[0].strip()) for node in giving
        }
        return contexts - {AT_IMPORT}, names


def _first(statement: ast.stmt) -> int:
    return min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
