"""The steps by name, and what is common to each: the lease, the counts, and the reason if it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import runs
from edfi_cte.sync.extract import extract
from edfi_cte.sync.lane import Lane, StepSkipped
from edfi_cte.sync.preflight import preflight
from edfi_cte.sync.resync import resync_identity_mapping, resync_ods
from edfi_cte.sync.send import send_step
from edfi_cte.sync.transform import transform

log = logging.getLogger(__name__)


def upsert(lane: Lane) -> dict[str, Any]:
    """Send what is queued as Post and Put."""
    return _sending(lane, "upsert")


def natural_key_changes(lane: Lane) -> dict[str, Any]:
    """Send what is queued as Delete/Post and Delete."""
    return _sending(lane, "natural_key_changes")


def _sending(lane: Lane, step: str) -> dict[str, Any]:
    _refuse_dry_run(lane)
    return send_step(lane, step)


def _refuse_dry_run(lane: Lane) -> None:
    if lane.options.dry_run:
        raise StepSkipped("a dry run sends nothing")


def _resync(step: Callable[[Lane], dict[str, Any]]) -> Callable[[Lane], dict[str, Any]]:
    def run(lane: Lane) -> dict[str, Any]:
        _refuse_dry_run(lane)
        return step(lane)

    return run


STEPS: dict[str, Callable[[Lane], dict[str, Any]]] = {
    "preflight": preflight,
    "extract": extract,
    "transform": transform,
    "upsert": upsert,
    "natural_key_changes": natural_key_changes,
    "resync_identity_mapping": _resync(resync_identity_mapping),
    "resync_ods": _resync(resync_ods),
}
"""In the order of a run; ``report`` follows whatever became of them."""

SHARED_STEPS = frozenset({"upsert", "natural_key_changes"})
"""The steps that several tasks may share."""


def run_step(lane: Lane, name: str) -> dict[str, Any]:
    """Do one step of a run and keep what it counted. Raises EdfiCteError, having kept the reason."""
    with lane.held(name):
        try:
            counts = STEPS[name](lane)
        except StepSkipped:
            raise
        except EdfiCteError as error:
            with lane.writing() as connection:
                runs.note(connection, lane.target_id, lane.run_id, str(error))
            raise
        with lane.writing() as connection:
            runs.add_counts(connection, lane.target_id, lane.run_id, lane.shard.name_of(name), counts)
    return counts
