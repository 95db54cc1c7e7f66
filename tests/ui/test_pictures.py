"""The pictures of the overview: what they say by their sizes."""

from datetime import datetime
from itertools import pairwise

import pytest

from edfi_cte.ledger.overview import Run
from edfi_cte.ui.pictures import history


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
