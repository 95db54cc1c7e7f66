"""When a year stops rather than does harm (invariant 6)."""

from __future__ import annotations

from edfi_cte.ledger import accounts, mappings, runs
from edfi_cte.sync.lane import Lane, StepFailed


def check_deletes(lane: Lane, deletes: dict[str, int], *, known: int | None = None) -> None:
    """Stop the year if it would delete more than the guards allow. Raises StepFailed.

    ``deletes``: how many by cause. ``known``: the records they are a share of; by default the mapped ones.
    """
    total = sum(deletes.values())
    guards = lane.settings.guards
    if known is None:
        with lane.ledger.connect() as connection:
            known = mappings.count(connection, lane.target_id)
    within = total <= guards.max_delete_count or total <= guards.max_delete_fraction * known
    if within or lane.options.allow_mass_delete:
        return
    cause, most = max(deletes.items(), key=lambda item: item[1])
    raise StepFailed(
        f"{lane.target_id}: {total} of {known} records would be deleted, more than the guards allow "
        f"({guards.max_delete_fraction:.0%} and more than {guards.max_delete_count}); {most} of them because of "
        f"'{cause}'. Nothing was deleted. If this is right, trigger the DAG with allow_mass_delete; if not, look at "
        f"what changed in Campus or in the preferences (edfi-cte plan --scope-year {lane.target.scope_year} --list)."
    )


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
        "The next run tries them again. While this is so no Delete/Post is begun, since its post might fail too."
    )
