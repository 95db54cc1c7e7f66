"""Links inside the repository lead somewhere, heading included; the architecture page names files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)
# Directories in which a path of the page may begin; "…" and "<name>" stand for what varies.
BELOW = [ROOT, ROOT / "plugins" / "edfi_cte", ROOT / "docs"]
PATH = re.compile(r"`([\w./]+(?:\{[\w,]+\}[\w.]*|\*[\w.]*)?)`")


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub and the site make addresses of them."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken(text: str, page: Path) -> list[str]:
    """The links in a page's text that lead nowhere."""
    found = []
    for link in LINK.findall(text):
        if re.match(r"https://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    assert broken(prose(page), page) == []


def test_a_link_to_nowhere_is_seen():
    text = "[a](nowhere.md) [b](install.md#no-such-heading) [c](install.md#the-ledger) [d](http://plain.example.org)"

    assert broken(text, ROOT / "docs" / "index.md") == [
        "nowhere.md",
        "install.md#no-such-heading",
        "http://plain.example.org",
    ]


def test_the_architecture_page_names_files_that_are_there():
    said = {
        name for name in PATH.findall(prose(ROOT / "docs" / "architecture.md")) if "/" in name and "<" not in name
    }
    lost = [
        name
        for name in said
        if not any(list(base.glob(part)) for base in BELOW for part in [re.sub(r"\{.*?\}", "*", name).rstrip("/")])
    ]

    assert said
    assert lost == []


def test_the_architecture_page_draws_every_part_of_the_package():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("```")[1]
    parts = {
        path.stem
        for path in (ROOT / "plugins" / "edfi_cte").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert {part for part in parts - {"__init__"} if not re.search(rf"\b{part}\b", drawing)} == set()
