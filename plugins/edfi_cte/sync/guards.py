"""When a year stops rather than does harm (invariant 6)."""

from __future__ import annotations

from edfi_cte.ledger import mappings
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
