"""The way of the README to run the cases against a real ODS, tried on a sandbox that it takes for one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.ods import serve

CASES = Path(__file__).parent


@pytest.mark.parametrize("api", ["5.3", "dms"])
def test_the_cases_run_against_the_ods_that_the_environment_names(api: str) -> None:
    with serve(api=api) as ods:
        environment = {
            **os.environ,
            "EDFI_TEST_BASE_URL": ods.base_url,
            "EDFI_TEST_KEY": ods.key,
            "EDFI_TEST_SECRET": ods.secret,
        }
        files = [CASES / "test_writes.py", CASES / "test_preconditions.py"]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout
        assert "needs a sandbox" in done.stdout
        assert ods.control.count("POST", "studentCTEProgramAssociations", 201) > 20
        assert ods.control.documents("studentCTEProgramAssociations") == []
