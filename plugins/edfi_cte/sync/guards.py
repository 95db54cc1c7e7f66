"""When a run fails for what the ODS refuses; over deletes decides :mod:`edfi_cte.associations.decide`."""

from __future__ import annotations

from edfi_cte.ledger import accounts, runs
from edfi_cte.sync.lane import Lane


def failures_over_limit(lane: Lane) -> str | None:
    """Why the run has to fail, if more of its events have failed than the guards allow.

    They are a share of the desired records, so that the few that fail each day, and are all that is tried on a day
    without changes, do not fail every run.
    """
    guards = lane.settings.guards
    with lane.ledger.connect() as connection:
        plan_after = runs.plan_after(connection, lane.target_id, lane.run_id)
        failures = accounts.failures(connection, lane.target_id, lane.run_id, plan_after)
        desired = accounts.desired(connection, lane.target_id)
    failed = sum(failure.events for failure in failures)
    if failed <= guards.max_failure_count or failed <= guards.max_failure_fraction * max(desired, failed):
        return None
    causes = "; ".join(f"{failure.events} {failure.error_type}: {failure.advice}" for failure in failures)
    return (
        f"{lane.target_id}: {failed} events failed where {desired} records are desired, more than the guards allow "
        f"({guards.max_failure_fraction:.0%} and more than {guards.max_failure_count}). {causes} "
        "The next run tries them again. Until then no Delete/Post starts, because its post could fail, too."
    )
