"""Takes one rule out of the shipped SQL, to see that it makes the difference."""

from __future__ import annotations

from pathlib import Path

from edfi_cte.associations.model import ExclusionRule
from edfi_cte.campus.templates import shipped_sql_dir


def sql_without(rule: ExclusionRule, folder: Path) -> Path:
    """A folder with a copy of candidates.sql that lacks the rule's line."""
    lines = (shipped_sql_dir() / "candidates.sql").read_text().splitlines(keepends=True)
    kept = [line for line in lines if f"THEN '{rule}'" not in line]
    assert len(kept) == len(lines) - 1
    (folder / "candidates.sql").write_text("".join(kept))
    return folder
