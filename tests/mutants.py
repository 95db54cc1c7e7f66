"""A sampled mutation run: changes to the package that a test should notice, one at a time, in a copy of it all.

``python -m tests.mutants --seed 7 --number 200`` draws changes by the seed, runs for each the tests that are nearest
to its module, and lists what no test noticed. Each survivor is to be read: a test is missing, or it changes nothing.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("plugins/edfi_cte")
SECONDS = 600
"""A mutant that makes the tests hang is noticed by that."""

MOST = 10
"""Files of tests that are run beside those named like the module."""

_SLOW = ("tests/sync/test_model.py", "tests/sync/test_crash.py", "tests/sync/test_batch.py")
NEAR = {
    "associations": ("tests/associations", "tests/rules", "tests/ledger/test_plan.py", "tests/sync"),
    "ledger": ("tests/ledger", "tests/sync", "tests/ui"),
    "sync": ("tests/sync", "tests/test_cli.py"),
    "ods": ("tests/ods", "tests/sync/test_failures.py", "tests/sync/test_what_comes_in.py"),
    "campus": ("tests/campus", "tests/rules", "tests/sync/test_triggers.py"),
    "settings": ("tests/test_settings.py", "tests/test_settings_reading.py", "tests/test_deployment.py"),
    "hooks": ("tests/hooks", "tests/test_deployment.py"),
    "operators": ("tests/operators", "tests/hooks", "tests/dags"),
    "cli": ("tests/test_cli.py", "tests/test_cli_init.py", "tests/test_forget.py", "tests/ui"),
    "ui": ("tests/ui",),
    "": ("tests/test_deployment.py", "tests/hooks", "tests/test_settings.py", "tests/test_words.py", "tests/sync"),
}
"""By part of the package: the tests that are run for it, the nearest first."""

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

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.was!r} -> {self.text!r}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every change that is made to a module."""
    source = (ROOT / path).read_bytes()
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    for node in ast.walk(ast.parse(source)):
        for changed, text in _changes(node):
            end_line, end_column = changed.end_lineno, changed.end_col_offset
            assert end_line is not None
            assert end_column is not None
            start = lines[changed.lineno - 1] + changed.col_offset
            end = lines[end_line - 1] + end_column
            was = source[start:end].decode()
            if was != text:
                yield Mutant(path, changed.lineno, start, end, text, was)


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


def tests_for(path: Path, copy: Path) -> list[str]:
    """The nearest tests: those named like the module, those that name it, and the rest of its part."""
    parts = path.relative_to(PACKAGE).parts
    part = parts[0] if len(parts) > 1 else ""
    files: list[Path] = []
    for place in NEAR.get(part, NEAR[""]):
        found = copy / place
        files += sorted(found.rglob("test_*.py")) if found.is_dir() else [found] if found.exists() else []
    names = [str(file.relative_to(copy)) for file in files]
    names = [name for name in dict.fromkeys(names) if name not in _SLOW]
    stem = path.stem if path.stem != "__init__" else path.parent.name

    def distance(name: str) -> int:
        text = (copy / name).read_text()
        return 0 if stem in Path(name).stem else 1 if stem in text else 2

    named = [name for name in names if distance(name) == 0]
    return [*named, *sorted((name for name in names if name not in named), key=distance)[:MOST]]


def survives(mutant: Mutant, copy: Path) -> bool:
    """Whether no test of the nearest notices the change, made in ``copy``."""
    file = copy / mutant.path
    source = file.read_bytes()
    try:
        file.write_bytes(source[: mutant.start] + mutant.text.encode() + source[mutant.end :])
        return passes(tests_for(mutant.path, copy), copy)
    finally:
        file.write_bytes(source)


def passes(tests: list[str], copy: Path) -> bool:
    """Whether the tests of ``copy`` pass; without the first change each must."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header"]
    try:
        done = subprocess.run(
            [*command, "--timeout=120", *tests],
            check=False,
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy / "plugins"), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in (0, 5)


def sample(seed: int, number: int, only: str) -> list[Mutant]:
    """Changes drawn by the seed, each module by its share."""
    modules = sorted(path for path in (ROOT / PACKAGE / only).rglob("*.py") if "migrations" not in path.parts)
    if (ROOT / PACKAGE / only).is_file():
        modules = [ROOT / PACKAGE / only]
    every = [mutant for path in modules for mutant in mutants_of(path.relative_to(ROOT))]
    return random.Random(seed).sample(every, min(number, len(every)))  # noqa: S311


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--only", default="", help="a part of the package, such as ledger or ledger/events.py")
    parser.add_argument("--trust", action="store_true", help="take it that the tests pass without a change")
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    drawn = sample(options.seed, options.number, options.only)
    started, survivors = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="edfi-cte-mutants-") as folder:
        copies: Queue[Path] = Queue()
        for place in range(options.at_once):
            copies.put(copy := _copy(Path(folder) / str(place)))
        needed = {test for mutant in drawn for test in tests_for(mutant.path, copy)}
        if not options.trust and (failing := [test for test in sorted(needed) if not passes([test], copy)]):
            print(f"These fail without any change, so nothing can be said: {', '.join(failing)}")
            return 1

        def run(mutant: Mutant) -> tuple[Mutant, bool]:
            copy = copies.get()
            try:
                return mutant, survives(mutant, copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(options.at_once) as pool:
            for number, (mutant, survived) in enumerate(pool.map(run, drawn), start=1):
                print(f"{number}/{len(drawn)} {'SURVIVED' if survived else 'noticed '} {mutant}", flush=True)
                survivors += [mutant] if survived else []
    noticed = len(drawn) - len(survivors)
    print(f"\n{noticed} of {len(drawn)} noticed, {(time.monotonic() - started) / 60:.0f} min, seed {options.seed}")
    return 0


def _copy(place: Path) -> Path:
    ignored = shutil.ignore_patterns(".venv*", ".git", "__pycache__", ".*_cache", ".demo", "dist", "node_modules")
    shutil.copytree(ROOT, place, ignore=ignored)
    return place


if __name__ == "__main__":
    sys.exit(main())
