"""The ledger: whose records it holds, and whether it may be written."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from edfi_cte.ledger import bulk, mappings, runs
from edfi_cte.ledger.limits import encoding_fault
from edfi_cte.ledger.server_clock import server_time
from edfi_cte.sync.checks.findings import Finding, error, ok, warning
from edfi_cte.sync.lane import Lane

CLOCK_SKEW_SECONDS = 60


def check_ledger(lane: Lane) -> Iterator[Finding]:
    """The database's encoding, and the education organization that the records were sent for (reading O)."""
    edorg_id = lane.target.edorg_id
    with lane.ledger.connect() as connection:
        if fault := encoding_fault(connection):
            yield error("ledger", fault)
        row = runs.get_target(connection, lane.target_id)
        own = row.education_organization_id if row and mappings.count(connection, lane.target_id) else edorg_id
        other = runs.other_education_organization(
            connection,
            edfi_conn_id=lane.target.edfi_conn_id,
            scope_year=lane.target.scope_year,
            edorg_id=edorg_id,
        )
    old_target, sent = other if own == edorg_id and other else (lane.target_id, own)
    if sent != edorg_id:
        yield error(
            "education organization",
            f"records of {sent} were sent for this year, and the settings now name {edorg_id}. A district number "
            "can't change after data has been sent, and nothing was done. Put the old number back, or have the state "
            f"clear {sent}'s records, then run: edfi-cte forget {old_target}",
        )


def check_ledger_rights(lane: Lane) -> Iterator[Finding]:
    """The ledger's login may write, and its server's clock is ours: leases are times."""
    with lane.ledger.connect() as connection:
        skew = abs((server_time(connection) - bulk.now()).total_seconds())
        try:
            runs.try_write(connection)
        except sa.exc.SQLAlchemyError as fault:
            yield error(
                "ledger", f"its login may not write: {type(fault).__name__}. Grant it INSERT, UPDATE, DELETE."
            )
            return
    if skew > CLOCK_SKEW_SECONDS:
        yield warning("ledger", f"its server's clock is {skew:.0f} s off this machine's; set both by NTP")
    else:
        yield ok("ledger", f"{lane.ledger.dialect.name}, readable and writable")
