"""What a Put does not remove: looked at once more after the Put, remembered, told by property, and not put again."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from edfi_cte.associations.compare import differing
from edfi_cte.ledger import accounts, bulk, lasting, mappings, records, runs
from edfi_cte.lines import say
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.sync.checks.addresses import refuse_moved
from edfi_cte.sync.lane import RESOURCE, Lane

AT_ONCE = 100
log = logging.getLogger(__name__)


def look_again(lane: Lane) -> dict[str, int]:
    """Look at what was put because it differed: what differs still is the ODS's own. How many, by property."""
    with lane.ledger.connect() as connection:
        put = [key for key, found in lasting.of_target(connection, lane.target_id).items() if not found.remembered]
        after = runs.plan_after(connection, lane.target_id, lane.run_id)
        # A Put that failed says nothing of what a Put would leave.
        tried = accounts.just_written(connection, lane.target_id, lane.run_id, after, put)
        ods_ids = mappings.ods_ids(connection, lane.target_id, list(tried))
    if ods_ids:
        asyncio.run(_look(lane, lane.open_ods(), ods_ids))
    with lane.ledger.connect() as connection:
        by_property = lasting.by_property(connection, lane.target_id)
    for name, count in by_property.items():
        still = f"{lane.target_id}: {count:,} records still differ in {name} after a Put; they are left as they are"
        say(log, logging.WARNING, still)
    return by_property


async def _look(lane: Lane, client: EdFiClient, ods_ids: dict[str, str]) -> None:
    async with client:
        await refuse_moved(lane, client)
        for keys in bulk.batches(ods_ids, AT_ONCE):
            documents = await asyncio.gather(*(_get(client, ods_ids[key]) for key in keys))
            with lane.writing() as connection:
                bodies = {row.key_id: row.body for row in records.desired(connection, lane.target_id, keys)}
                found = {
                    key: differing(document, json.loads(bodies[key]))
                    for key, document in zip(keys, documents, strict=True)
                    if document is not None and key in bodies
                }
                stays = {key: properties for key, properties in found.items() if properties}
                lasting.save(connection, lane.target_id, stays, remembered=True)
                lasting.forget(connection, lane.target_id, [key for key in found if key not in stays])


async def _get(client: EdFiClient, ods_id: str) -> dict[str, Any] | None:
    """The document, or ``None`` where it can't be read now: the next resync tries again."""
    try:
        return dict(await client.get(RESOURCE, ods_id))
    except EdFiError:
        return None
