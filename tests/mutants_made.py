"""The changes of a mutation run: each a small one to the package, such as a border moved or a condition dropped."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path("plugins/edfi_cte")
_PAIRS = ((ast.Eq, ast.NotEq), (ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.In, ast.NotIn), (ast.Is, ast.IsNot))
_WITHOUT_MEANING = ("frozen", "kw_only", "order", "slots", "strict")
"""Options of a dataclass, and of a zip: no test of behaviour can see them."""
_OTHER: dict[type[ast.AST], type[ast.cmpop]] = {one: two for pair in _PAIRS for one, two in (pair, pair[::-1])}
"""What a comparison becomes, a border moved or its sense turned round."""


class Mutant(NamedTuple):
    """One change: in ``path``, from ``start`` to ``end`` (offsets in its UTF-8 bytes), ``text`` instead."""

    path: Path
    line: int
    start: int
    end: int
    text: str
    was: str

    def of(self, source: bytes) -> bytes:
        """The module's source with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.was!r} -> {self.text!r}"


def sample(root: Path, seed: int, number: int, only: str) -> list[Mutant]:
    """Changes of the package in ``root``, or of a part of it, drawn by the seed, each module by its share."""
    place = root / PACKAGE / only
    modules = [place] if place.is_file() else sorted(place.rglob("*.py"))
    modules = [path.relative_to(root) for path in modules if "migrations" not in path.parts]
    every = [mutant for path in modules for mutant in mutants_of(root, path)]
    return random.Random(seed).sample(every, min(number, len(every)))  # noqa: S311


def mutants_of(root: Path, path: Path) -> Iterator[Mutant]:
    """Every change that is made to a module."""
    source = (root / path).read_bytes()
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    tree = ast.parse(source)
    options = {id(of.value) for of in ast.walk(tree) if isinstance(of, ast.keyword) and of.arg in _WITHOUT_MEANING}
    for node in (node for node in ast.walk(tree) if id(node) not in options):
        for changed, text in _changes(node):
            start = lines[changed.lineno - 1] + changed.col_offset
            end = lines[(changed.end_lineno or 0) - 1] + (changed.end_col_offset or 0)
            was = source[start:end].decode()
            if was != text:
                yield Mutant(path, changed.lineno, start, end, text, was)


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:  # noqa: C901 - a case for each kind
    match node:
        case ast.Compare(ops=[op], left=left, comparators=[right]) if type(op) in _OTHER:
            yield node, f"({ast.unparse(ast.Compare(left, [_OTHER[type(op)]()], [right]))})"
        case ast.BoolOp(op=op, values=values):
            yield node, f"({ast.unparse(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, f"({ast.unparse(operand)})"
        case ast.Constant(value=bool() as value):
            yield node, str(not value)
        case ast.Constant(value=int() as value):
            yield node, str(value + 1)
        case ast.BinOp(op=ast.Add() | ast.Sub() as op, left=left, right=right) if not (_text(left) or _text(right)):
            swapped = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
            yield node, f"({ast.unparse(ast.BinOp(left, swapped, right))})"
        case ast.If(test=test):
            yield test, f"not ({ast.unparse(test)})"
        case ast.Expr(value=ast.Call() | ast.Await()):
            if not ast.unparse(node).startswith(("log.", "console.print", "logging.")):
                yield node, "pass"
        case ast.Call(func=ast.Attribute(attr="where")) if len(node.args) > 1:
            for dropped in node.args:
                kept = [arg for arg in node.args if arg is not dropped]
                yield node, ast.unparse(ast.Call(node.func, kept, node.keywords))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield value, "None"


def _text(side: ast.expr) -> bool:
    """No number: it can only be added to."""
    return isinstance(side, ast.JoinedStr | ast.List) or (
        isinstance(side, ast.Constant) and isinstance(side.value, str)
    )
