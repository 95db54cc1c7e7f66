"""Numbers of the sync for Airflow's own metrics (``[metrics]``: StatsD, DataDog, OpenTelemetry).

Each name comes twice, as Airflow's own do: with its target (and action, step or error type) in the name for a plain
StatsD, and alone with tags for what knows them. docs/operations.md lists them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from edfi_cte.ledger import kept
from edfi_cte.sync.lane import Lane

try:
    from airflow.sdk.observability.stats import Stats
except ImportError:  # Airflow 3.1
    from airflow.stats import Stats

PREFIX = "edfi_cte"
log = logging.getLogger(__name__)


def step_took(target_id: str, step: str, seconds: float) -> None:
    """``edfi_cte.step.duration``: of one target's step, waiting for its turn left out."""
    for name, tags in _names("step.duration", target_id, step=step):
        Stats.timing(name, timedelta(seconds=seconds), tags=tags)


def reported(target_id: str, status: str, counts: Mapping[str, Any], kept_now: Mapping[str, int]) -> None:
    """What a run's report counted: ``sent`` and ``failed`` are counters, what stands is a gauge."""
    for action, n in counts["sent"].items():
        _count("sent", target_id, n, action=action.lower().replace("/", "_"))
    for error_type, n in counts["failed for"].items():
        _count("failed", target_id, n, error_type=error_type)
    _count("run", target_id, 1, status=status.replace(" ", "_"))
    _gauge("rejected", target_id, sum(counts["rejected for"].values()))
    _gauge("desired", target_id, counts["desired"])
    for state in ("held", "waiting", "out_of_reach"):
        _gauge(state, target_id, kept_now.get(state, 0))


def kept_by_state(lane: Lane) -> Counter[str]:
    """How many of a target's records are held, wait, or are out of reach."""
    found: Counter[str] = Counter()
    with lane.ledger.connect() as connection:
        for count in kept.counts(connection, lane.target_id):
            found[str(count.state)] += count.records
    return found


def _count(measure: str, target_id: str, n: int, **tags: str) -> None:
    for name, all_tags in _names(measure, target_id, **tags) if n else ():
        Stats.incr(name, n, tags=all_tags)


def _gauge(measure: str, target_id: str, value: int) -> None:
    for name, tags in _names(measure, target_id):
        Stats.gauge(name, value, tags=tags)


def _names(measure: str, target_id: str, **tags: str) -> list[tuple[str, dict[str, str]]]:
    whole = ".".join((PREFIX, measure, target_id, *tags.values()))
    return [(whole, {}), (f"{PREFIX}.{measure}", {"target": target_id, **tags})]
