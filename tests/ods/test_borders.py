"""The client stands alone: it brings neither Airflow nor SQL, and knows no one resource."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import edfi_cte.ods


def test_the_client_brings_neither_airflow_nor_sql() -> None:
    code = "import sys, edfi_cte.ods, edfi_cte.ods.bulk; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"airflow", "sqlalchemy", "requests"} & set(run.stdout.split())


def test_the_client_knows_no_one_resource() -> None:
    """The vocabulary apart: it has the words of every resource's names."""
    for module in Path(edfi_cte.ods.__file__).parent.glob("*.py"):
        if module.name == "vocabulary.py":
            continue
        assert not re.search(
            r"(?<!edfi[-_])\bcte\b|studentcte|career|campus|missouri", module.read_text(), re.IGNORECASE
        ), module
