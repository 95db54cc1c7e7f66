"""A process killed at any write boundary loses nothing: the next try ends where an undisturbed run does.

CI has each boundary once, with one edit of Campus and one way in which the ODS answers, drawn the same each time.
``EDFI_CTE_CRASH_ALL=1 make test ARGS=tests/sync/test_crash.py`` has each with all of them (half an hour).
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("campus", ["changes_nothing", "takes_all_back", "changes_all_again"])
def test_a_kill_at_any_write_boundary_changes_nothing_about_the_end(
    campus: str, sandboxes: dict[int, Any], tmp_path: Path
):
    ods = sandboxes[2026]
    ods.control.reset()
    done = subprocess.run(
        [sys.executable, "-m", "tests.sync.crash", ods.base_url, ods.key, ods.secret, tmp_path, campus],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        check=False,
        timeout=3500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    boundaries, tries, deaths = map(int, done.stdout.split())
    assert boundaries > 30
    assert tries >= boundaries // 3
    assert deaths > tries / 3  # a run that the ODS answers badly may end before
