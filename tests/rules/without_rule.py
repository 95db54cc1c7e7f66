"""Takes one rule out of the shipped SQL, to see that it makes the difference."""

from __future__ import annotations

from pathlib import Path

from edfi_cte.associations.model import FLAG_RULES, ExclusionRule
from edfi_cte.campus.templates import shipped_sql_dir


def sql_without(rule: ExclusionRule, folder: Path) -> Path:
    """A folder with a copy of candidates.sql that lacks the rule: its own line, or its turn among the flags."""
    text = (shipped_sql_dir() / "candidates.sql").read_text()
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if f"THEN '{rule}'" not in line]
    if rule in FLAG_RULES:
        before, after = "WHEN co.{{ rule }} = 1", f"WHEN co.{{{{ rule }}}} = {{{{ 1 if rule != '{rule}' else 9 }}}}"
        assert text.count(before) == 1
        kept = [text.replace(before, after)]
    else:
        assert len(kept) == len(lines) - 1
    (folder / "candidates.sql").write_text("".join(kept))
    return folder
