"""A run that takes too long is told of: Airflow's deadline alert, which took the place of SLAs in Airflow 3."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

try:
    from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference  # type: ignore[attr-defined]
except ImportError:  # Airflow 3.1
    from airflow.sdk.definitions.deadline import AsyncCallback, DeadlineAlert, DeadlineReference  # type: ignore[attr-defined]

log = logging.getLogger(__name__)


def deadline_alert(minutes: float, callback: str) -> DeadlineAlert:
    """The alert of a run that has not ended so long after it was queued; the triggerer then calls ``callback``."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=AsyncCallback(callback),
    )


async def log_missed_deadline(context: dict[str, Any]) -> None:
    """Says so in the triggerer's log. A team's own callback may page someone."""
    run = context["dag_run"]
    log.error("%s: run '%s' has missed its deadline; it goes on", run["dag_id"], run["dag_run_id"])
