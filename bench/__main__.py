"""``python -m bench``: every row but 11; ``python -m bench --row 4 --row 6``: some.

Row 11 takes longer than all others together, so it is measured by itself: ``make bench-state``. ``--keep`` puts what
was measured into ``results.json`` and the documentation's page, beside the rows that were not.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import dag, growth, ledger_writes, new_target, sending, state, year
from bench.results import Row, machine, show, write, write_page

LAST, ALONE = 12, 11
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def main() -> int:
    """0, also where a mark was missed: that is a finding, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--row", type=int, action="append", choices=range(1, LAST + 1), help="only this one; repeatable"
    )
    parser.add_argument("--keep", action="store_true", help="write results.json and the page")
    asked = parser.parse_args()
    wanted = set(asked.row or range(1, LAST + 1)) - (set() if asked.row else {ALONE})
    logging.disable(logging.WARNING)
    about, started, rows = machine(), time.monotonic(), []
    for row in measure(wanted):
        say(f"row {row.number} of {LAST} after {time.monotonic() - started:.0f} s")
        rows.append(row)
    rows.sort(key=lambda row: row.number)
    show(rows)
    if asked.keep:
        write_page(PAGE, write(RESULTS, about | {"seconds": round(time.monotonic() - started)}, rows))
        say(f"written to {RESULTS.relative_to(Path.cwd())}")
    return 0


def measure(wanted: set[int]) -> Iterator[Row]:
    """The rows that are wanted, as they are found."""
    if wanted & {1, 2, 3}:
        yield from sending.rows(wanted)
    if wanted & {4, 5, 6, 7}:
        yield from year.rows(wanted)
    if 8 in wanted:
        yield growth.row()
    if 9 in wanted:
        yield ledger_writes.row()
    if 10 in wanted:
        yield dag.row()
    if 11 in wanted:
        yield state.row()
    if 12 in wanted:
        yield new_target.row()


def say(text: str) -> None:
    """How far it is, where a person waits."""
    sys.stderr.write(f"bench: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
