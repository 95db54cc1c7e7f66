"""The pages that are made from the code are those of the code, and leave nothing unsaid."""

from pathlib import Path

import pytest

from docs.generate import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["settings.md", "ledger.md"])
def test_a_generated_page_is_of_today(page: str):
    assert (DOCS / page).read_text(encoding="utf-8") == pages()[page], "run: make docs-generated"


@pytest.mark.parametrize("page", ["settings.md", "ledger.md"])
def test_every_row_says_what_it_means(page: str):
    silent = [line for line in pages()[page].splitlines() if line.startswith("| `") and line.endswith("|  |")]

    assert silent == []
