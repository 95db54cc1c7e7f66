"""The mutation run shows a change to the tests that may notice it, and believes only what is so twice."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import mutants
from tests.mutants_lines import AT_IMPORT, Chooser
from tests.mutants_made import PACKAGE, Mutant, mutants_of

MODULE = """\
from dataclasses import dataclass
from functools import cache

BORDER = 5
TWICE = 2 * BORDER


@dataclass(frozen=True)
class Kept:
    limit: int = 7


@cache
def once() -> int:
    return 3


def wide(value: int) -> bool:
    if value > 1 and once():
        return value > TWICE
    return value == (
        4
    )


def limited(kept: Kept) -> bool:
    return kept.limit < 9
"""
PATH = PACKAGE / "one.py"
RAN = {19: {"a::slow", "a::quick"}, 20: {"a::slow"}, 21: {"a::quick"}, 27: {"b"}, 15: {AT_IMPORT}}


@pytest.fixture
def recorded(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / PACKAGE).mkdir(parents=True)
    (tmp_path / PATH).write_text(MODULE)
    (tmp_path / PACKAGE / "__init__.py").touch()
    contexts = {context for of_line in RAN.values() for context in of_line}
    lines = {context: {str(PATH): [line for line in RAN if context in RAN[line]]} for context in contexts}
    for file, text in {
        "a": "",
        "b": "from edfi_cte.once import BORDER",
        "c": "from edfi_cte.one import BORDER",
    }.items():
        (tmp_path / file).write_text(text)
    seconds = {"a::quick": 0.1, "a::slow": 3.0, "b::unit": 0.3, "b::other": 0.2, "c::reads": 0.1}
    return {"seconds": seconds, "lines": lines}


def change(line: int) -> Mutant:
    return Mutant(PATH, line, 0, 0, "-", "")


@pytest.mark.parametrize(
    ("line", "tests"),
    [
        (19, ["a::quick", "a::slow"]),
        (20, ["a::slow"]),
        (22, ["a::quick"]),
        (4, ["a::slow", "c::reads"]),
        (5, ["a::slow", "c::reads"]),
        (10, ["b::unit", "b::other", "c::reads"]),
        (15, ["a::quick", "a::slow", "c::reads"]),
    ],
    ids=["a line", "a branch", "a part", "a constant", "made of it", "a field, by a fixture of the file", "cached"],
)
def test_a_change_is_shown_to_the_tests_that_run_it_or_read_what_it_makes(
    tmp_path: Path, recorded: dict[str, Any], line: int, tests: list[str]
):
    assert Chooser(tmp_path, recorded).tests(change(line)) == tests


def test_what_no_test_runs_is_shown_to_none(tmp_path: Path, recorded: dict[str, Any]):
    assert Chooser(tmp_path, recorded | {"lines": {}}).tests(change(19)) == []


def test_changes_leave_a_dataclass_its_options_and_the_rest_compiles(tmp_path: Path, recorded: dict[str, Any]):
    made = list(mutants_of(tmp_path, PATH))
    assert {mutant.line for mutant in made} == {4, 5, 10, 15, 19, 20, 21, 22, 27}
    for mutant in made:
        compile(mutant.of(MODULE.encode()), "one.py", "exec")


ENDING = """\
import os


def wide(value):
    if value > 99:
        os._exit(0)
    return value > 10
"""

TESTS = """\
from pathlib import Path

import pytest


from edfi_cte.one import wide


@pytest.mark.parametrize("value", [1, 11])
def test_wide(value):
    assert wide(value) is (value > 10)


def test_not_twice():
    ran = Path("once").exists()
    Path("once").touch()
    assert ran
"""


@contextmanager
def judge(tmp_path: Path, *names: str) -> Iterator[tuple[mutants.Judge, list[str]]]:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_one.py").write_text(TESTS)
    for plugin in ("mutants_fork.py", "mutants_lines.py", "mutants_made.py"):
        shutil.copy(mutants.ROOT / "tests" / plugin, tmp_path / "tests")
    tests = [f"tests/test_one.py::{name}" for name in names]
    with mutants.Judge(tmp_path, dict.fromkeys(tests, 0.1)) as one:
        yield one, tests


@pytest.mark.parametrize(
    ("was", "text"),
    [("value == ", ""), ("5", "6")],
    ids=["of a function", "of what runs at import"],
)
def test_a_change_is_noticed_by_a_failure_that_comes_again(
    tmp_path: Path, recorded: dict[str, Any], was: str, text: str
):
    mutant = next(one for one in mutants_of(tmp_path, PATH) if one.was.startswith(was) and one.text.endswith(text))
    with judge(tmp_path, "test_not_twice", "test_wide[11]", "test_wide[1]") as (one, tests):
        assert one.noticed_by(mutant, tests) in tests[1:]
    assert (tmp_path / PATH).read_text() == MODULE


def test_a_change_survives_a_test_that_fails_once(tmp_path: Path, recorded: dict[str, Any]):
    with judge(tmp_path, "test_not_twice", "test_wide[1]") as (one, tests):
        assert one.noticed_by(next(mutants_of(tmp_path, PATH)), tests) == ""


def test_a_change_that_hangs_or_ends_the_process_is_noticed(tmp_path: Path, recorded: dict[str, Any]):
    (tmp_path / PATH).write_text(ENDING)
    with judge(tmp_path, "test_wide[11]") as (one, tests):
        assert one.noticed_by(next(mutants_of(tmp_path, PATH)), tests) == tests[0]


def test_a_test_that_is_no_longer_there_notices_nothing(tmp_path: Path, recorded: dict[str, Any]):
    with judge(tmp_path, "test_gone") as (one, tests):
        assert one.noticed_by(next(mutants_of(tmp_path, PATH)), tests) == ""


def test_the_modules_own_tests_come_first_then_quick_files():
    took = {"a::one": 3.0, "b::one": 1.0, "a::two": 0.1, "b::two": 1.0, "tests/ods/test_tls.py::one": 9.0}
    of_the_module = ["tests/ods/test_tls.py::one"]
    rest = ["b::one", "b::two", "a::one", "a::two"]
    assert mutants.likeliest_first(list(took), took, PACKAGE / "ods/tls.py") == of_the_module + rest
    assert mutants.likeliest_first(list(took), took, PACKAGE / "ui/app.py") == rest + of_the_module


def test_a_change_is_shown_to_two_minutes_of_tests():
    took = {f"tests/test_{name}.py::one": 50.0 for name in "abcde"}
    assert mutants.likeliest_first(list(took), took, PACKAGE / "ods/tls.py") == list(took)[:3]
