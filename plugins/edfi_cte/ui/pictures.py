"""The pictures, as numbers: what a template draws as SVG, without script or style of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edfi_cte.ledger.overview import Run

WIDTH = 1000.0
_SENT = {"Post": "post", "Put": "put", "Delete/Post": "deletepost"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A run in the history: ``css`` by its status, higher the more it sent."""

    x: int
    y: float
    height: float
    css: str
    run: Run


def history(runs: Sequence[Run], places: int) -> list[Bar]:
    """Bars of 6 by at most 28 units, eight apart, the newest of ``runs`` (newest first) at the right end."""
    most = max((run.sent + int(run.report.get("failed", 0)) for run in runs), default=0)
    bars = []
    for index, run in enumerate(runs[:places]):
        work = run.sent + int(run.report.get("failed", 0))
        height = 8 + (20 * math.log1p(work) / math.log1p(most) if most else 0)
        css = run.status.replace(" ", "-")
        bars.append(Bar(8 * (places - 1 - index), round(28 - height, 1), round(height, 1), css, run))
    return bars[::-1]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar that is ``WIDTH`` wide in all."""

    name: str
    records: int
    css: str
    x: float
    width: float


def records_of(run: Run) -> list[Segment]:
    """What became of the extracted records; the parts add up to them. ``desired`` comes first."""
    report = run.report
    return _segments(
        [
            ("desired", report.get("desired", 0), "desired"),
            ("superseded", report.get("superseded by another enrollment", 0), "superseded"),
            ("rejected", sum(report.get("rejected for", {}).values()), "rejected"),
            ("excluded", sum(report.get("excluded by", {}).values()), "excluded"),
        ]
    )


def desired_of(run: Run) -> list[Segment]:
    """What became of the desired records; the parts add up to them.

    What is in the ODS as desired was sent by this run, or had been before. Deletes are no part of it: what they
    are of is not desired any more.
    """
    report = run.report
    there = int(report.get("desired and in the ODS as such", 0))
    parts, left = [], there
    for action, css in _SENT.items():
        sent = min(left, int(report.get("sent", {}).get(action, 0)))
        left -= sent
        parts.append((f"sent: {action}", sent, css))
    lacking = max(0, int(report.get("desired", 0)) - there)
    outcome = "not sent" if run.status == "dry run" else "failed or held"
    return _segments([("unchanged", left, "unchanged"), *parts, (outcome, lacking, "failed")])


def _segments(parts: list[tuple[str, int, str]]) -> list[Segment]:
    total = sum(records for _, records, _ in parts)
    segments, x = [], 0.0
    for name, records, css in parts:
        width = WIDTH * records / total if total else 0.0
        if records:
            segments.append(Segment(name, records, css, round(x, 2), round(width, 2)))
        x += width
    return segments
