"""The steps by name, and what is common to each: the lease, the counts, and the reason if it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.plan import Action
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import runs
from edfi_cte.ledger.database import faults_explained
from edfi_cte.ledger.leases import LeaseLost
from edfi_cte.lines import say
from edfi_cte.sync.extract import extract
from edfi_cte.sync.guards import failures_over_limit
from edfi_cte.sync.lane import SENDING_STEPS, Lane, StepFailed, StepSkipped
from edfi_cte.sync.preflight import preflight
from edfi_cte.sync.resync import resync_identity_mapping, resync_ods
from edfi_cte.sync.send import send_step
from edfi_cte.sync.toggle import OFF
from edfi_cte.sync.transform import transform

log = logging.getLogger(__name__)


def upsert(lane: Lane) -> dict[str, Any]:
    """Send what is queued as Post and Put."""
    return send_step(lane, "upsert")


def natural_key_changes(lane: Lane) -> dict[str, Any]:
    """Send what is queued as Delete/Post and Delete.

    While more posts fail than the guards allow, no Delete/Post is begun: its post might fail as well.
    """
    over = failures_over_limit(lane)
    if over:
        say(log, logging.WARNING, over)
    return send_step(lane, "natural_key_changes", only=Action.DELETE if over else None)


STEPS: dict[str, Callable[[Lane], dict[str, Any]]] = {
    "preflight": preflight,
    "extract": extract,
    "transform": transform,
    "upsert": upsert,
    "natural_key_changes": natural_key_changes,
    "resync_identity_mapping": resync_identity_mapping,
    "resync_ods": resync_ods,
}
"""What each of STEP_NAMES does."""


def run_step(lane: Lane, name: str) -> dict[str, Any]:
    """Do one step of a run and keep what it counted. Raises EdfiCteError, having kept the reason, and StepSkipped."""
    if not lane.target.enabled:
        raise StepSkipped(OFF)
    if lane.options.dry_run and name in SENDING_STEPS:
        raise StepSkipped("a dry run sends nothing")
    with faults_explained(), lane.held(name):
        try:
            with faults_explained():
                counts = _done(lane, name)
                with lane.writing() as connection:
                    lane.keep(connection, name, counts)
                    lane.lease.done(connection)
        except (StepSkipped, LeaseLost):
            # Another try has taken the step over: what it leaves is what counts.
            raise
        except EdfiCteError as error:
            with suppress(sa.exc.DBAPIError, LeaseLost), lane.writing() as connection:
                lane.keep(connection, name, {"fault": str(error)})
            raise
    return counts


def _done(lane: Lane, name: str) -> dict[str, Any]:
    with lane.ledger.connect() as connection:
        row = runs.get_run(connection, lane.target_id, lane.run_id)
    if name != "preflight" and (row is None or row.settings_digest != lane.settings_digest):
        raise StepFailed(
            f"{lane.target_id}: the settings have changed since this run's preflight looked at them, so {name} did "
            "nothing. Trigger a new run, or clear this one from preflight on."
        )
    return STEPS[name](lane)
