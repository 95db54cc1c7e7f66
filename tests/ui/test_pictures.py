"""The pictures of the overview: what they say by their sizes."""

import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from edfi_cte.ledger.overview import Run, StepLeft
from edfi_cte.ui.pictures import Segment, desired_of, history, records_of

AT = datetime(2026, 1, 1)  # noqa: DTZ001


def counted(status: str = "ok", **report: Any) -> Run:
    """A run whose report counted this; ``_`` in a name stands for a blank."""
    counts = json.dumps({name.replace("_", " "): value for name, value in report.items()})
    left = StepLeft("report", "report", AT, AT, None, None, counts)
    return Run("039141-2026", "run", AT, AT, status, None, None, steps=(left,))


def test_the_bars_stand_on_one_line_the_newest_at_the_right():
    runs = [
        Run("039141-2026", f"run {n}", datetime(2026, 1, n), None, status, None, None)  # noqa: DTZ001
        for n, status in ((3, "ok"), (2, "dry run"), (1, "failed"))
    ]
    bars = history(runs, 5)
    assert [bar.run.run_id for bar in bars] == ["run 1", "run 2", "run 3"]
    assert [bar.css for bar in bars] == ["failed", "dry-run", "ok"]
    assert [after.x - before.x for before, after in pairwise(bars)] == [8, 8]
    assert bars[-1].x == 8 * 4, "of five places the last"
    assert [bar.y + bar.height for bar in bars] == [pytest.approx(28)] * 3
    assert [bar.height for bar in bars] == [8] * 3, "nothing was done"


def test_no_more_runs_than_places():
    runs = [Run("039141-2026", str(n), datetime(2026, 1, 1), None, "ok", None, None) for n in range(9)]  # noqa: DTZ001
    assert [bar.run.run_id for bar in history(runs, 3)] == ["2", "1", "0"]
    assert history([], 3) == []


def test_a_bar_is_the_higher_the_more_its_run_sent_and_failed_to_send():
    """By the logarithm: what failed is work, too."""
    runs = [counted(sent={"Post": 90, "Put": 5}, failed=4), counted(sent={"Post": 8}, failed=1), counted(failed=0)]
    bars = history(runs, 4)
    assert [(bar.x, bar.y, bar.height) for bar in bars] == [(8, 20, 8), (16, 10, 18), (24, 0, 28)]


def test_a_bar_is_measured_by_the_run_that_did_most_shown_or_not():
    assert [bar.height for bar in history([counted(failed=9), counted(failed=99)], 1)] == [18]


def test_the_parts_of_the_records_add_up_to_them():
    run = counted(
        desired=5, superseded_by_another_enrollment=1, rejected_for={"a": 1, "b": 1}, excluded_by={"no_show": 2}
    )
    assert records_of(run) == [
        Segment("desired", 5, "desired", 0.0, 500.0),
        Segment("superseded", 1, "superseded", 500.0, 100.0),
        Segment("rejected", 2, "rejected", 600.0, 200.0),
        Segment("excluded", 2, "excluded", 800.0, 200.0),
    ]


def test_a_part_of_no_records_is_not_drawn():
    assert records_of(counted(desired=3)) == [Segment("desired", 3, "desired", 0.0, 1000.0)]
    assert records_of(counted()) == desired_of(counted()) == []


@pytest.mark.parametrize(("status", "outcome"), [("ok", "failed or held"), ("dry run", "not sent")])
def test_the_parts_of_the_desired_records_add_up_to_them(status: str, outcome: str):
    sent = {"Post": 3, "Put": 1, "Delete/Post": 1, "Delete": 4}
    run = counted(status, desired=10, desired_and_in_the_ODS_as_such=7, sent=sent)
    assert desired_of(run) == [
        Segment("unchanged", 2, "unchanged", 0.0, 200.0),
        Segment("sent: Post", 3, "post", 200.0, 300.0),
        Segment("sent: Put", 1, "put", 500.0, 100.0),
        Segment("sent: Delete/Post", 1, "deletepost", 600.0, 100.0),
        Segment(outcome, 3, "failed", 700.0, 300.0),
    ]


def test_no_more_is_drawn_as_sent_than_is_desired_and_there():
    """A put after a post of the same record is one record, and one that came later lacks in nothing."""
    run = counted(desired=2, desired_and_in_the_ODS_as_such=3, sent={"Post": 2, "Put": 4})
    assert [(part.name, part.records) for part in desired_of(run)] == [("sent: Post", 2), ("sent: Put", 1)]
