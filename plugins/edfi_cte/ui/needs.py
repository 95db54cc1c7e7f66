"""What of a target needs a person, and how urgently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Any

from edfi_cte.ledger import bulk
from edfi_cte.ledger.overview import Run

_STALE = timedelta(days=3)


class Urgency(IntEnum):
    """Most urgent first."""

    FAILED = 0
    WAITS = 1
    ERRORS = 2
    HELD = 3
    SILENT = 4

    @property
    def css(self) -> str:
        """How it is coloured."""
        return "bad" if self <= Urgency.WAITS else "warn"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to do. ``page`` and ``query`` lead to where it is seen."""

    urgency: Urgency
    text: str
    page: str
    query: dict[str, Any] = field(default_factory=dict)


def needs_of(target_id: str, enabled: bool | None, last: Run | None, kept: Mapping[str, int]) -> list[Need]:
    """What a target needs, most urgent first. ``kept``: records by state (held, waiting, out_of_reach).

    A target that is switched off, or is not configured any more (``None``), needs no one.
    """
    if not enabled:
        return []
    here = {"target": target_id}
    if last is None:
        return [Need(Urgency.SILENT, "has not run yet", "", {})]
    found = [*_of_run(last, here), *_of_records(last, kept, here)]
    return sorted(found, key=lambda need: need.urgency)


def _of_run(last: Run, here: dict[str, Any]) -> list[Need]:
    this = here | {"run": last.run_id}
    if last.status == "failed":
        return [Need(Urgency.FAILED, f"the last run failed: {_short(last.message)}", "run", this)]
    if bulk.now() - last.started_at > _STALE:
        return [Need(Urgency.SILENT, f"no run since {last.started_at:%Y-%m-%d}", "run", this)]
    return []


def _of_records(last: Run, kept: Mapping[str, int], here: dict[str, Any]) -> list[Need]:
    failed = int(last.report.get("failed", 0))
    rejected = sum(last.report.get("rejected for", {}).values())
    waiting, held = kept.get("waiting", 0), kept.get("held", 0)
    found: list[tuple[int, Urgency, str, str]] = [
        (waiting, Urgency.WAITS, f"{_count(waiting, 'delete')} {_verb(waiting, 'wait')} for a person", "waiting"),
        (failed, Urgency.ERRORS, f"the ODS refused {_count(failed, 'event')}", "errors"),
        (rejected, Urgency.ERRORS, f"{_count(rejected, 'record')} can't be sent (Campus errors)", "errors"),
        (held, Urgency.HELD, f"{_count(held, 'record')} {_verb(held, 'stay')} in the ODS, held", "waiting"),
    ]
    return [Need(urgency, text, page, here) for number, urgency, text, page in found if number]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _short(message: str | None) -> str:
    """The first line of a message, without the target that the reader sees beside it."""
    text = (message or "its steps say why").strip().splitlines()[0]
    text = text.partition(": ")[2] or text if text.split(":")[0].count("-") == 1 else text
    return text if len(text) <= 220 else text[:219] + "…"
