"""Files and functions stay short enough to be read in one go (CONTRIBUTING.md)."""

import ast

from tests.packaging.environments import ROOT
from tests.packaging.test_repository import tracked_files

LINES_OF_A_FILE, LINES_OF_A_FUNCTION = 400, 50
NOT_WRITTEN_BY_HAND = (".lock", ".png", "bench/results.json")


def test_no_file_is_too_long() -> None:
    found = {
        name: lines
        for name in tracked_files()
        if not name.endswith(NOT_WRITTEN_BY_HAND)
        and (lines := len((ROOT / name).read_bytes().splitlines())) > LINES_OF_A_FILE
    }

    assert found == {}, "part it by what it does"


def test_no_function_is_too_long() -> None:
    found = {
        f"{name}:{node.lineno} {node.name}": lines
        for name in tracked_files()
        if name.endswith(".py")
        for node in ast.walk(ast.parse((ROOT / name).read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_OF_A_FUNCTION
    }

    assert found == {}, "part it by what it does"
