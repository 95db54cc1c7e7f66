"""What the troubleshooting page quotes is what the package says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (.+?) \|", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
QUOTES = [quote for row in ROWS for quote in re.findall(r"`([^`]+)`", row)]
AIRFLOWS = {"does not allow backfill runs": "Airflow refuses a backfill", "scheduled": "a state of a task"}
"""Quoted, and not ours."""


def texts(node: ast.AST) -> str:
    """A text as it is written, with … for what varies."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(texts(part) if isinstance(part, ast.Constant) else "…" for part in parts)


def said() -> Iterator[str]:
    """Every text of the package."""
    for path in (ROOT / "plugins" / "edfi_cte").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                yield texts(node)


SAID = "\n".join(said())


@pytest.mark.parametrize("quote", [quote for quote in QUOTES if quote not in AIRFLOWS])
def test_a_quoted_message_is_one_of_ours(quote: str):
    fragments = [part.strip() for part in re.split(r"…|'dryrun'", quote) if len(part.strip()) > 2]

    assert fragments
    assert [part for part in fragments if part not in SAID] == []
