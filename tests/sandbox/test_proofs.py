"""Every case says where the real APIs' behaviour is proven, so that the next difference can be looked up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("test_*.py"))
LEAST = len("DMS Token")


def cases_of(path: Path) -> Iterator[ast.FunctionDef]:
    """The tests of a module that ask an API something, but for those whose rows say it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            rows = any(ast.unparse(mark).startswith("pytest.mark.cases(") for mark in node.decorator_list)
            if not rows and any(argument.arg == "target" for argument in node.args.args):
                yield node


def proof_of(case: ast.FunctionDef) -> str:
    marks = (mark for mark in case.decorator_list if ast.unparse(mark).startswith("pytest.mark.proven("))
    return "".join(str(ast.literal_eval(mark.args[0])) for mark in marks if isinstance(mark, ast.Call))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_case_says_where_it_is_proven(path: Path) -> None:
    assert [case.name for case in cases_of(path) if len(proof_of(case)) < LEAST] == []


def test_there_are_cases_to_look_at() -> None:
    assert sum(1 for path in FILES for _ in cases_of(path)) > 100
