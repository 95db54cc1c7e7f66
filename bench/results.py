"""What a bench found: its rows, as a table and as ``results.json``."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_WRITTEN = (":!bench/results.json", ":!docs/performance.md")
_PACKAGES = ("apache-airflow", "aiohttp", "duckdb", "psycopg2-binary", "sqlalchemy", "edfi-cte")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``ratio`` is the figure that ``mark`` is about, ``figures`` what it was made of (seconds unless named otherwise).
    ``why``: of a mark that was missed, the reason and what would move it.
    """

    number: int
    work: str
    against: str
    mark: str
    ratio: float | None
    reached: bool | None
    figures: dict[str, Any] = field(default_factory=dict)
    why: str = ""


def machine() -> dict[str, Any]:
    """The machine in general words, and the commit that was measured (``-dirty``: with changes on top).

    What the bench itself writes is no change: one run measures a state, another the rest.
    """
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("diff", "--quiet", "HEAD", "--", ".", *_WRITTEN).returncode == 1
    with Path("/proc/meminfo").open() as lines:
        kib = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal"))
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(kib / 2**20),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": f"{head.stdout.strip()}{'-dirty' * changed}" if head.stdout else "not a clone",
    }


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607


def versions() -> dict[str, str]:
    """What was measured, and with what."""
    return {name: version(name) for name in _PACKAGES}


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    table = Table("#", "work", "measured against", "to reach", "ratio", "reached", "figures", title="edfi-cte bench")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(
            str(row.number), row.work, row.against, row.mark, ratio, _words(row.reached), _figures(row.figures)
        )
    Console(width=150).print(table)


def write(path: Path, about: dict[str, Any], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Put rows into ``results.json``, each with the machine and run that it is of; all that are in it then."""
    kept = {row["number"]: row for row in json.loads(path.read_text())["rows"]} if path.exists() else {}
    kept |= {row.number: asdict(row) | {"run": about} for row in rows}
    document = {"versions": versions(), "rows": [kept[number] for number in sorted(kept)]}
    path.write_text(json.dumps(document, indent=2) + "\n")
    return document["rows"]


def write_page(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Put the table into the documentation's page, in the place of the last run's."""
    lines = ["| # | work | beside | mark | now | |", "|---|---|---|---|---|---|"]
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        figures = _figures(row["figures"]).replace("\n", "; ")
        words = {True: "reached", False: "**missed**", None: "reported"}[row["reached"]]
        about = (row["number"], row["work"], row["against"], row["mark"], f"{ratio} ({figures})", words)
        lines.append("| " + " | ".join(map(str, about)) + " |")
    for commit, numbers in _by_commit(rows).items():
        lines.append("")
        lines.append(f"Row{'s' * (len(numbers) > 1)} {', '.join(numbers)}: commit {commit}.")
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(before + _BEGIN + "\n\n" + "\n".join(lines) + "\n\n" + _END + after, encoding="utf-8")


def _by_commit(rows: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["run"]["commit"], []).append(str(row["number"]))
    return found


_BEGIN, _END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def _words(reached: bool | None) -> str:
    return {True: "yes", False: "no", None: "reported"}[reached]


def _figures(figures: dict[str, Any]) -> str:
    return "\n".join(f"{name} {_number(value)}" for name, value in figures.items() if not isinstance(value, dict))


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.3g}" if isinstance(value, float) and value < 100 else f"{value:,.0f}"
