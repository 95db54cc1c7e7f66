"""The tests that a change is shown to: those that run its lines.

What runs once, at import or from a cache, is seen by any test that runs what names it: a constant's, a class's.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.mutants_lines import AT_IMPORT
from tests.mutants_made import PACKAGE, Mutant


class Chooser:
    """Chooses tests of the package in ``root`` by what was recorded of it."""

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
        around = [node for node in self._statements[path] if _has(node, line)]
        if not around:
            return set(), set()
        inner, names = around[-1], {name for node in around for name in _given(node)}
        body = getattr(inner, "body", None)
        last = max(line, body[0].lineno - 1) if body else inner.end_lineno or line
        contexts = {context for at in range(inner.lineno, last + 1) for context in self._contexts[path, at]}
        functions = [node for node in around if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        if functions and functions[-1].body[0].lineno <= line:
            names = {functions[-1].name}
            if AT_IMPORT not in contexts and not any("cache" in ast.unparse(d) for d in functions[-1].decorator_list):
                names = set()
        return contexts - {AT_IMPORT}, names


def _has(statement: ast.stmt, line: int) -> bool:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)]) <= line <= (statement.end_lineno or 0)


def _given(statement: ast.stmt) -> set[str]:
    """The names that a statement gives."""
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()
