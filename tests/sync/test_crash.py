"""A process killed at any write boundary loses nothing: the next try ends where an undisturbed run does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
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
        timeout=360,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 30
