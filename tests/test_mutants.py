"""The mutation run shows a change to the tests that may notice it, and to no others."""

from pathlib import Path

import pytest

from tests.mutants_chosen import Chooser
from tests.mutants_lines import AT_IMPORT, Recorded
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


@pytest.fixture
def chooser(tmp_path: Path) -> Chooser:
    (tmp_path / PACKAGE).mkdir(parents=True)
    (tmp_path / PATH).write_text(MODULE)
    recorded = Recorded()
    recorded.seconds = {"slow": 3.0, "quick": 0.1, "other": 0.2, "unit": 0.3}
    for line, tests in {19: {"slow", "quick"}, 20: {"slow"}, 21: {"quick"}, 27: {"unit"}, 15: {AT_IMPORT}}.items():
        recorded.lines[str(PATH), line] = tests
    return Chooser(tmp_path, recorded)


def change(line: int, last: int | None = None) -> Mutant:
    return Mutant(PATH, line, 0, 0, "-", "\n" * ((last or line) - line))


@pytest.mark.parametrize(
    ("line", "tests"),
    [
        (19, ["quick", "slow"]),
        (20, ["slow"]),
        (22, ["quick"]),
        (4, ["slow"]),
        (5, ["slow"]),
        (10, ["unit"]),
        (15, ["quick", "slow"]),
    ],
    ids=["a line", "a branch", "a part", "a constant", "made of it", "a field", "cached"],
)
def test_a_change_is_shown_to_the_tests_that_run_it_the_quickest_first(chooser: Chooser, line: int, tests: list[str]):
    assert chooser.tests(change(line)) == tests


def test_what_no_test_runs_is_shown_to_none(chooser: Chooser, tmp_path: Path):
    (tmp_path / PATH).write_text(MODULE)
    assert Chooser(tmp_path, Recorded()).tests(change(19)) == []


def test_the_record_outlives_being_written(chooser: Chooser):
    again = Recorded.of_json(chooser._recorded.as_json())
    assert (again.seconds, again.lines) == (chooser._recorded.seconds, chooser._recorded.lines)
    again.without({"quick"}, set())
    assert again.lines[str(PATH), 19] == {"slow"}
    again.without(set(), {str(PATH)})
    assert not again.lines


def test_changes_leave_a_dataclass_its_options_and_the_rest_compiles(chooser: Chooser, tmp_path: Path):
    made = list(mutants_of(tmp_path, PATH))
    assert {mutant.line for mutant in made} == {4, 5, 10, 15, 19, 20, 21, 22, 27}
    for mutant in made:
        compile(mutant.of(MODULE.encode()), "one.py", "exec")
