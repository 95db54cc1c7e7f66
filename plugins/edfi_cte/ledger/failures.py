"""What a run's events failed of: by error type, and by the descriptor or program that the error is about."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.schema import attempt, event

_BY_DESCRIPTOR = frozenset({"unknown_descriptor"})
_BY_PROGRAM = frozenset({"unresolved_reference", "program_missing"})


class FailureCause(NamedTuple):
    """Events that failed for one reason. ``about`` names the descriptors or the program, where that is the reason."""

    error_type: str
    about: str
    advice: str
    events: int


def by_cause(connection: sa.Connection, target_id: str, run_id: str, step: str) -> list[FailureCause]:
    """The failed events of a run's step, by the answer to their last try; most first."""
    last = (
        sa.select(sa.func.max(attempt.c.attempt_id).label("attempt_id"))
        .select_from(attempt.join(event, event.c.event_id == attempt.c.event_id))
        .where(
            event.c.target_id == target_id,
            event.c.run_id == run_id,
            event.c.step == step,
            event.c.status == EventStatus.FAILED,
        )
        .group_by(attempt.c.event_id)
        .subquery("last")
    )
    rows = connection.execute(
        sa.select(attempt.c.error_type, attempt.c.message, attempt.c.advice, event.c.program_name, event.c.body)
        .join(last, last.c.attempt_id == attempt.c.attempt_id)
        .join(event, event.c.event_id == attempt.c.event_id),
        execution_options={"yield_per": 1000},
    )
    counted: Counter[tuple[str, str]] = Counter()
    advice: dict[str, str] = {}
    for row in rows:
        counted[row.error_type, _about(row)] += 1
        advice[row.error_type] = row.advice
    return [FailureCause(kind, about, advice[kind], n) for (kind, about), n in counted.most_common()]


def _about(row: sa.Row[Any]) -> str:
    if row.error_type in _BY_PROGRAM and row.program_name:
        return f"program '{row.program_name}'"
    if row.error_type in _BY_DESCRIPTOR and row.body:
        sent = sorted(set(_descriptors(json.loads(row.body))))
        # What the API quotes of the request in its answer is kept; where it names none, each may be the one.
        named = [uri for uri in sent if f"'{uri}'" in row.message or f'"{uri}"' in row.message]
        return ", ".join(named or sent)
    return ""


def _descriptors(document: Any) -> Iterator[str]:
    """The descriptors of a document: they are code lists' values, never a student's."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name.endswith("Descriptor") and isinstance(value, str):
                yield value
            else:
                yield from _descriptors(value)
    elif isinstance(document, list):
        for item in document:
            yield from _descriptors(item)
