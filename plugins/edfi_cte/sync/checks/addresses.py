"""Whose address it is: each target's alone, the one that its records were sent to, and no renamed district's.

Two targets that send to one address would take each other's records for records without a source.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from edfi_cte.ledger import addresses, kept, lasting, mappings, runs, settling
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.sync.checks.findings import Finding, error
from edfi_cte.sync.lane import Lane, StepFailed

SUBJECT = "ODS address"


def check_address(lane: Lane, address: str) -> Iterator[Finding]:
    """What keeps the target from sending to an address. Writes nothing."""
    with lane.ledger.connect() as connection:
        own = addresses.of_target(connection, lane.target_id)
        mapped = mappings.count(connection, lane.target_id)
        holder = _holder(connection, lane, address)
        there = addresses.with_mappings_at(connection, address)
    if own is not None and mapped and own.address_id != addresses.address_id(address):
        yield error(SUBJECT, _moved(lane, address, own.address, mapped))
    elif holder is not None and not _unconfigured(lane, [holder]):
        yield error(SUBJECT, _taken(lane, address, holder))
    elif gone := _unconfigured(lane, [holder] if holder else [] if mapped else there):
        yield error(SUBJECT, _renamed(lane, address, gone[0]))


def claim_address(connection: sa.Connection, lane: Lane, address: str) -> Finding | None:
    """Claim an address before anything is sent to it; what is wrong if another target was quicker.

    What the ledger knew of another address is past: with no mapping left, nothing else of it counts.
    """
    own = addresses.of_target(connection, lane.target_id)
    unmapped = mappings.count(connection, lane.target_id) == 0
    holder = _holder(connection, lane, address)
    if holder is None:
        addresses.release_unused(connection, address, lane.target.edorg_id, lane.target_id)
        holder = addresses.claim(connection, lane.target_id, address, lane.target.edorg_id)
    if holder is not None:
        return error(SUBJECT, _taken(lane, address, holder))
    if own is not None and own.address_id != addresses.address_id(address):
        settling.forget_doubt(connection, lane.target_id)
        kept.forget(connection, lane.target_id)
        lasting.forget_all(connection, lane.target_id)
    if unmapped:
        runs.describe(connection, lane.target_id, known_since=None)
    return None


async def refuse_moved(lane: Lane, client: EdFiClient) -> None:
    """Raises StepFailed where the connection leads elsewhere than to what preflight has claimed."""
    try:
        address = (await client.discover()).data_url
    except EdFiError as error:
        raise StepFailed(f"{lane.target_id}: {error} Nothing was sent.", transient=True) from None
    with lane.ledger.connect() as connection:
        own = addresses.of_target(connection, lane.target_id)
    if own is None or own.address_id != addresses.address_id(address):
        found = "nothing" if own is None else own.address
        raise StepFailed(
            f"{lane.target_id}: connection '{lane.target.edfi_conn_id}' leads to {address}, and to {found} when the "
            "run's preflight looked: it has been edited since. Nothing was sent. If that was a mistake, correct it "
            "and clear this task; else clear the run from preflight on."
        )


def _holder(connection: sa.Connection, lane: Lane, address: str) -> str | None:
    """Another target that has claimed the address, and is configured, or has records there."""
    holder = addresses.holder(connection, address, lane.target.edorg_id)
    if holder in (None, lane.target_id):
        return None
    configured = holder in {target.target_id for target in lane.settings.targets}
    return holder if configured or mappings.count(connection, str(holder)) else None


def _unconfigured(lane: Lane, target_ids: list[str]) -> list[str]:
    configured = {target.target_id for target in lane.settings.targets}
    return [target_id for target_id in target_ids if target_id not in configured]


def _moved(lane: Lane, address: str, old: str, mapped: int) -> str:
    same = (
        f"UPDATE edfi_cte_address_claim SET address = '{address}', address_id = '{addresses.address_id(address)}' "
        f"WHERE target_id = '{lane.target_id}';"
    )
    return (
        f"connection '{lane.target.edfi_conn_id}' leads to another address than the one that the ledger's {mapped} "
        f"records were sent to. Nothing was done. It leads to {address}; they were sent to {old}. If the connection "
        f"is wrong, correct it. If it is the same ODS under a new name, run in the ledger's database: {same} If it "
        f"is another ODS, to be filled again, run: edfi-cte forget {lane.target_id}"
    )


def _taken(lane: Lane, address: str, holder: str) -> str:
    return (
        f"connection '{lane.target.edfi_conn_id}' leads to an address to which {holder} sends its records of "
        f"the same education organization. Nothing was done. The address is {address}. Give {lane.target_id} that "
        f"of its own ODS. If the state has emptied this one for {lane.target.scope_year}, remove the target {holder} "
        f"from the settings and run: edfi-cte forget {holder}"
    )


def _renamed(lane: Lane, address: str, gone: str) -> str:
    return (
        f"the ledger knows records of {gone}, which the settings no longer name, and none of {lane.target_id} there. "
        f"Nothing was done. The address is {address}. If the district got a new number: a district number can't "
        f"change after data has been sent, so put {gone} back, or have the state clear its records. If they are "
        f"cleared, or {gone} has left for good, run: edfi-cte forget {gone}"
    )
