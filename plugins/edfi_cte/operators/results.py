"""What a step says of its result in its log: a line a number, warnings by cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from edfi_cte.ledger import failures
from edfi_cte.lines import in_lines
from edfi_cte.sync.lane import NO_COUNTS, SENDING_STEPS, Lane

_NOT_SAID = NO_COUNTS | {"failed", "next_resync"}
"""Failures are told by cause; and what a resync leaves for the next one."""


def results(lane: Lane, step: str, counts: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """(level, line) of each line to log, none longer than the log is wide."""
    for name, value in counts.items():
        if name in _NOT_SAID:
            continue
        text = _text(value)
        for line in in_lines(f"{lane.target_id} {name.replace('_', ' ')}: {text}") if text else ():
            yield logging.INFO, line
    if step in SENDING_STEPS:
        with lane.ledger.connect() as connection:
            causes = failures.by_cause(connection, lane.target_id, lane.run_id, step)
        for cause in causes:
            about = f" ({cause.about})" if cause.about else ""
            for line in in_lines(
                f"{lane.target_id}: {cause.events:,} failed as {cause.error_type}{about}. {cause.advice}"
            ):
                yield logging.WARNING, line


def _text(value: Any) -> str:
    """A number, a list or a table of numbers in words; nothing for an empty one."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {n:,}" for name, n in value.items() if n)
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
