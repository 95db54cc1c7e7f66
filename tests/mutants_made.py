"""The changes of a mutation run: each a small one to the package, such as a border moved or a condition dropped."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path("plugins/edfi_cte")

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class Mutant(NamedTuple):
    """One change: in ``path``, from ``start`` to ``end`` (offsets in its UTF-8 bytes), ``text`` instead."""

    path: Path
    line: int
    start: int
    end: int
    text: str
    was: str

    @property
    def last_line(self) -> int:
        return self.line + self.was.count("\n")

    def of(self, source: bytes) -> bytes:
        """The module's source with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.was!r} -> {self.text!r}"


def sample(root: Path, seed: int, number: int, only: str) -> list[Mutant]:
    """Changes of the package in ``root``, drawn by the seed, each module by its share."""
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
    unseen = {id(part) for node in ast.walk(tree) for part in _without_meaning(node)}
    for node in (node for node in ast.walk(tree) if id(node) not in unseen):
        for changed, text in _changes(node):
            end_line, end_column = changed.end_lineno, changed.end_col_offset
            assert end_line is not None
            assert end_column is not None
            start = lines[changed.lineno - 1] + changed.col_offset
            end = lines[end_line - 1] + end_column
            was = source[start:end].decode()
            if was != text:
                yield Mutant(path, changed.lineno, start, end, text, was)


def _without_meaning(node: ast.AST) -> Iterator[ast.AST]:
    """What no test of behaviour can see: the options of a dataclass, and a zip that makes sure of its lengths."""
    for decorator in getattr(node, "decorator_list", []):
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("dataclass"):
            yield from ast.walk(decorator)
    match node:
        case ast.Call(func=ast.Name(id="zip"), keywords=[ast.keyword(arg="strict", value=value)]):
            yield value


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    yield from _of_values(node)
    match node:
        case ast.If(test=test):
            yield test, f"not ({ast.unparse(test)})"
        case ast.Expr(value=ast.Call() | ast.Await()) if not _only_tells(node):
            yield node, "pass"
        case ast.Call(func=ast.Attribute(attr="where")) if len(node.args) > 1:
            for dropped in node.args:
                kept = [arg for arg in node.args if arg is not dropped]
                yield node, ast.unparse(ast.Call(node.func, kept, node.keywords))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield value, "None"


def _of_values(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    match node:
        case ast.Compare(ops=[op], left=left, comparators=[right]) if type(op) in COMPARED:
            other = ast.Compare(left, [COMPARED[type(op)]()], [right])
            yield node, f"({ast.unparse(other)})"
        case ast.BoolOp(op=op, values=values):
            swapped = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield node, f"({ast.unparse(ast.BoolOp(swapped, values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, f"({ast.unparse(operand)})"
        case ast.Constant(value=bool() as value):
            yield node, str(not value)
        case ast.Constant(value=int() as value):
            yield node, str(value + 1)
        case ast.BinOp(op=ast.Add() | ast.Sub() as op, left=left, right=right) if not _is_text(node):
            swapped_op = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
            yield node, f"({ast.unparse(ast.BinOp(left, swapped_op, right))})"


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(side, ast.JoinedStr | ast.List) or _is_string(side) for side in (node.left, node.right))


def _is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _only_tells(node: ast.Expr) -> bool:
    return ast.unparse(node).startswith(("log.", "console.print", "logging."))
