"""The tests that a change is shown to: those that run its lines, the quickest first.

What runs once, at import or from a cache, is seen by any test that runs what names it: a constant's, a class's.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.mutants_lines import AT_IMPORT, Recorded
from tests.mutants_made import PACKAGE, Mutant

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class _Module:
    tree: ast.Module
    functions: list[_Function] = field(default_factory=list)

    def function_at(self, line: int) -> _Function | None:
        """The innermost function whose body has the line."""
        around = [f for f in self.functions if f.body[0].lineno <= line <= (f.end_lineno or 0)]
        return max(around, key=lambda function: function.lineno, default=None)


class Chooser:
    """Chooses tests of the package in ``root`` by what was recorded of it."""

    def __init__(self, root: Path, recorded: Recorded) -> None:
        self._recorded = recorded
        self._modules: dict[str, _Module] = {}
        for path in sorted((root / PACKAGE).rglob("*.py")):
            tree = ast.parse(path.read_bytes())
            functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
            self._modules[str(path.relative_to(root))] = _Module(tree, functions)

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that may notice the change, the quickest first; none if no test runs its lines."""
        path, module = str(mutant.path), self._modules[str(mutant.path)]
        function = module.function_at(mutant.line)
        if function is None or _is_cached(function):
            found = self._of_names(_owners(module.tree, mutant.line)) or self._of_module(path)
        else:
            found = self._of_lines(path, mutant.line, mutant.last_line)
            found = found or self._of_lines(path, *_statement(function, mutant.line))
            if AT_IMPORT in found:
                found = found | self._of_names({function.name})
        seconds = self._recorded.seconds
        return sorted((test for test in found if test in seconds), key=lambda test: (seconds[test], test))

    def seconds(self, tests: list[str]) -> float:
        return sum(self._recorded.seconds[test] for test in tests)

    def _of_lines(self, path: str, first: int, last: int) -> set[str]:
        lines = self._recorded.lines
        return {test for line in range(first, last + 1) for test in lines.get((path, line), ())}

    def _of_module(self, path: str) -> set[str]:
        module = self._modules[path]
        of_functions = ((function.body[0].lineno, function.end_lineno or 0) for function in module.functions)
        return {test for first, last in of_functions for test in self._of_lines(path, first, last)}

    def _of_names(self, names: set[str]) -> set[str]:
        """The tests that run a line which has one of the names, or the name of a constant made of it, and so on."""
        wanted, seen, found = set(names), set[str](), set[str]()
        while wanted:
            seen.add(name := wanted.pop())
            for path, line in self._mentions.get(name, ()):
                module = self._modules[path]
                function = module.function_at(line)
                if function is None:
                    wanted |= _owners(module.tree, line) - seen
                elif _is_cached(function):
                    wanted |= {function.name} - seen
                else:
                    found |= self._of_lines(path, line, line)
        return found

    @cached_property
    def _mentions(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for path, module in self._modules.items():
            for node in ast.walk(module.tree):
                match node:
                    case ast.Name(id=name) | ast.Attribute(attr=name):
                        found[name].append((path, node.lineno))
        return found


def _is_cached(function: _Function) -> bool:
    return any("cache" in ast.unparse(decorator) for decorator in function.decorator_list)


def _owners(tree: ast.Module, line: int) -> set[str]:
    """The names that the statement at the line gives: a class's and its field's, a constant's, a function's."""
    names: set[str] = set()
    body: list[ast.stmt] = tree.body
    while statement := next((s for s in body if _first(s) <= line <= (s.end_lineno or 0)), None):
        names |= set(_given(statement))
        body = statement.body if isinstance(statement, ast.ClassDef) else []
    # A field goes by its own name; a class by itself has what no field is named for.
    return names


def _given(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _first(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _statement(function: _Function, line: int) -> tuple[int, int]:
    """The lines of the innermost statement at the line; of a compound one, its head."""
    around = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    inner = max((node for node in around if node is not function), key=lambda node: node.lineno, default=function)
    body = getattr(inner, "body", None)
    last = body[0].lineno - 1 if body else inner.end_lineno or line
    return inner.lineno, max(last, inner.lineno)
