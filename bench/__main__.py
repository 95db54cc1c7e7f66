"""``python -m bench``: all rows; ``python -m bench --row 4 --row 6``: some, and no ``results.json``."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import dag, ledger_writes, new_target, sending, state, year
from bench.results import Row, machine, show, write, write_page

LAST = 12
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def main() -> int:
    """0, also where a mark was missed: that is a finding, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--row", type=int, action="append", choices=range(1, LAST + 1), help="only this one; repeatable"
    )
    wanted = set(parser.parse_args().row or range(1, LAST + 1))
    logging.disable(logging.WARNING)
    about, started, rows = machine(), time.monotonic(), []
    for row in measure(wanted):
        say(f"row {row.number} of {LAST} after {time.monotonic() - started:.0f} s")
        rows.append(row)
    rows.sort(key=lambda row: row.number)
    show(rows)
    if len(wanted) == LAST:
        write(RESULTS, about | {"seconds": round(time.monotonic() - started)}, rows)
        write_page(PAGE, rows)
        say(f"written to {RESULTS.relative_to(Path.cwd())}")
    return 0


def measure(wanted: set[int]) -> Iterator[Row]:
    """The rows that are wanted, as they are found."""
    if wanted & {1, 2, 3}:
        yield from sending.rows(wanted)
    if wanted & {4, 5, 6, 7, 8}:
        yield from year.rows(wanted)
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
