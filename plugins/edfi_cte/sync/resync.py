"""The resync: one pass over the ODS's own records, and the clean-ups that make mapping, ODS and Campus agree.

Page: Resync Logic. A mapping whose record is gone from the ODS goes, and the record is posted again if it is wanted;
a record of ours that nothing wants is deleted; and, beyond the page, a record edited in the ODS is put right.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.model import NaturalKey, digest
from edfi_cte.associations.plan import Action, Cause
from edfi_cte.ledger import accounts, bulk, events, mappings, records
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.ods.errors import AuthorizationDenied, NotFound, WrongRoute
from edfi_cte.sync.documents import as_sent, is_ours, key_of
from edfi_cte.sync.guards import check_deletes
from edfi_cte.sync.lane import RESOURCE, Lane, StepFailed, StepSkipped
from edfi_cte.sync.send import send_step

CONFIRM = 100
PAGES_AT_ONCE = 4
"""Comparing is slower than reading; more pages would only wait in memory."""
log = logging.getLogger(__name__)

READ_STEP = "resync_identity_mapping"
CLEAN_STEP = "resync_ods"


def resync_identity_mapping(lane: Lane) -> dict[str, Any]:
    """Read the ODS once; drop mappings whose record is not there and post again what is wanted of them.

    What the next step has to delete or put right is queued for it. Counts: in_ods, not_in_ods, out_of_reach, edited,
    no_source, and those of sending. Raises StepFailed if the ODS's answers do not add up: then nothing is dropped.
    """
    _refuse_skipped(lane)
    # What an interrupted try has dropped and not posted again comes first, or the pass would not know of it.
    send_step(lane, READ_STEP)
    findings = asyncio.run(_read(lane, lane.open_ods()))
    log.info("%s: %s", lane.target_id, findings.counts())
    return findings.counts() | send_step(lane, READ_STEP)


def resync_ods(lane: Lane) -> dict[str, Any]:
    """Delete the records of ours that nothing wants, and put right what was edited in the ODS.

    Counts: those of sending. Raises StepFailed if a guard stops the deletes, before the first one.
    """
    _refuse_skipped(lane)
    with lane.ledger.connect() as connection:
        deletes = events.unfinished(connection, lane.target_id, CLEAN_STEP, only=Action.DELETE)
        earlier = accounts.deletes_sent(connection, lane.target_id, lane.run_id)
        known = mappings.count(connection, lane.target_id) + sum(earlier.values())
        extracted = records.any_record(connection, lane.target_id)
    if deletes and not extracted and not lane.options.allow_mass_delete:
        raise StepFailed(
            f"{lane.target_id}: Campus returned no career-technical record at all, so none of the {deletes} records "
            "in the ODS can be said to have no source. Nothing was deleted. Check the Campus connection and the "
            "mapping template; if the records really are to go, trigger the DAG with allow_mass_delete."
        )
    if deletes:
        check_deletes(lane, earlier | {str(Cause.NO_SOURCE): deletes}, known=known)
    return send_step(lane, CLEAN_STEP)


def _refuse_skipped(lane: Lane) -> None:
    if not lane.options.resync:
        raise StepSkipped("the run was triggered with resync off")


@dataclass
class _Findings:
    """What one pass over the ODS showed. ``seen``: a hash of each id that is there, in eight bytes.

    ``known``: how many of them the identity mapping has. ``twins``: id and key of those that the mapping has under
    another id, and that id.
    """

    seen: array[int] = field(default_factory=partial(array, "q"))
    known: int = 0
    twins: list[tuple[str, NaturalKey, str]] = field(default_factory=list)
    edited: int = 0
    no_source: int = 0
    not_in_ods: int = 0
    out_of_reach: int = 0

    def counts(self) -> dict[str, int]:
        return {
            "in_ods": len(self.seen),
            "not_in_ods": self.not_in_ods,
            "out_of_reach": self.out_of_reach,
            "edited": self.edited,
            "no_source": self.no_source,
        }


async def _read(lane: Lane, client: EdFiClient) -> _Findings:
    findings = _Findings()
    async with client:
        with lane.writing() as connection:
            events.supersede(connection, lane.target_id, CLEAN_STEP)
        try:
            async for page in _our_pages(lane, client):
                _examine(lane, page, findings)
            await _drop_missing(lane, client, findings)
            _queue_twins(lane, findings)
        except EdFiError as error:
            raise StepFailed(f"{lane.target_id}: reading the ODS failed: {error}", transient=True) from error
    return findings


async def _our_pages(lane: Lane, client: EdFiClient) -> AsyncIterator[list[dict[str, Any]]]:
    """The ODS's associations of our education organization and program type.

    The filters are checked here again: a server that ignores one would show us the records of others.
    """
    edorg_id = lane.target.edorg_id
    kind = lane.preferences.program_type_descriptor
    filters = {"educationOrganizationId": edorg_id, "programTypeDescriptor": kind}
    async for page in client.pages(RESOURCE, filters, at_once=PAGES_AT_ONCE):
        yield [document for document in page if is_ours(lane, document)]


def _examine(lane: Lane, page: list[dict[str, Any]], findings: _Findings) -> None:
    """Compare a page with the mapping, and queue what the next step has to do about it."""
    ids = [document["id"] for document in page]
    with lane.ledger.connect() as connection:
        known = mappings.by_ods_id(connection, lane.target_id, ids)
        strangers = {
            ods_id: key_of(document) for ods_id, document in zip(ids, page, strict=True) if ods_id not in known
        }
        wanted = records.desired_keys(connection, lane.target_id, [key.key_id for key in strangers.values()])
        twins = mappings.ods_ids(connection, lane.target_id, list(wanted))
    deletes = [_no_source(ods_id, key) for ods_id, key in strangers.items() if key.key_id not in wanted]
    puts = _edited(lane, [(known[ods_id], doc) for ods_id, doc in zip(ids, page, strict=True) if ods_id in known])
    findings.twins += [(ods_id, key, twins[key.key_id]) for ods_id, key in strangers.items() if key.key_id in twins]
    findings.seen.extend(map(hash, ids))
    findings.known += len(known)
    findings.no_source += len(deletes)
    findings.edited += len(puts)
    if deletes or puts:
        with lane.writing() as connection:
            events.add(connection, lane.target_id, lane.run_id, [*deletes, *puts])


def _edited(lane: Lane, pairs: list[tuple[sa.Row[Any], dict[str, Any]]]) -> list[dict[str, Any]]:
    """Events for what the ODS holds otherwise than we sent it; where we want to send anew, that event will do."""
    edited = {
        mapped.key_id: mapped
        for mapped, document in pairs
        if not as_sent(document, mapped.payload_hash, mapped.content_hash)
    }
    if not edited:
        return []
    with lane.ledger.connect() as connection:
        puts = _desired_events(connection, lane, list(edited), Action.PUT, Cause.EDITED_IN_ODS, CLEAN_STEP)
    return [put for put in puts if put["payload_hash"] == edited[put["key_id"]].payload_hash]


def _queue_twins(lane: Lane, findings: _Findings) -> None:
    """An ODS that minds case may hold two records of what is one key to us: the one that we did not send goes."""
    there = set(findings.seen) if findings.twins else set()
    # Under a key of its own, so that the delete takes no mapping of ours along.
    deletes = [
        _no_source(ods_id, key) | {"key_id": digest(ods_id)}
        for ods_id, key, mapped in findings.twins
        if hash(mapped) in there
    ]
    findings.no_source += len(deletes)
    if deletes:
        with lane.writing() as connection:
            events.add(connection, lane.target_id, lane.run_id, deletes)


def _no_source(ods_id: str, key: NaturalKey) -> dict[str, Any]:
    return {
        "step": CLEAN_STEP,
        "action": Action.DELETE,
        "cause": Cause.NO_SOURCE,
        "key_id": key.key_id,
        "key_exact": key.exact,
        "ods_id": ods_id,
        "student_unique_id": key.student_unique_id,
        "begin_date": key.begin_date.isoformat(),
        "program_name": key.program_name,
    }


def _desired_events(
    connection: sa.Connection, lane: Lane, key_ids: Sequence[str], action: Action, cause: Cause, step: str
) -> list[dict[str, Any]]:
    """Events that send what these keys desire now; a key that desires nothing has none."""
    rows = records.desired(connection, lane.target_id, key_ids)
    ods_ids = mappings.ods_ids(connection, lane.target_id, key_ids)
    return [
        {
            "step": step,
            "action": action,
            "cause": cause,
            "enrollment_id": row.enrollment_id,
            "key_id": row.key_id,
            "key_exact": row.key_exact,
            "student_unique_id": row.student_unique_id,
            "begin_date": row.begin_date,
            "program_name": row.program_name,
            "cte_program_type": row.cte_program_type,
            "career_cluster": row.career_cluster,
            "payload_hash": row.payload_hash,
            "content_hash": row.content_hash,
            "transformed_with": row.transformed_with,
            "ods_id": ods_ids.get(row.key_id),
            "body": row.body,
        }
        for row in rows
    ]


async def _drop_missing(lane: Lane, client: EdFiClient, findings: _Findings) -> None:
    """Drop the mappings whose absence a GET by id confirms; queue what is still wanted of them."""
    with lane.ledger.connect() as connection:
        if findings.known == mappings.count(connection, lane.target_id):
            return
    for page in mappings.pages(lane.ledger, lane.target_id):
        by_hash = {hash(ods_id): (key_id, ods_id) for key_id, ods_id in page}
        missing = [by_hash[unseen] for unseen in set(by_hash).difference(findings.seen)]
        for batch in bulk.batches(missing, CONFIRM):
            absent = await asyncio.gather(*(_is_absent(lane, client, ods_id) for _, ods_id in batch))
            gone = [key_id for (key_id, _), is_absent in zip(batch, absent, strict=True) if is_absent]
            _drop(lane, gone)
            findings.not_in_ods += len(gone)
            findings.out_of_reach += len(batch) - len(gone)


async def _is_absent(lane: Lane, client: EdFiClient, ods_id: str) -> bool:
    """Whether the ODS says by id what its list says. False where the record is out of the list's reach, or the key's.

    So is one of a student whose enrollment has left the ODS, and one of a program type that was ours before.
    """
    try:
        document = await client.get(RESOURCE, ods_id)
    except WrongRoute:
        raise
    except NotFound:
        return True
    except AuthorizationDenied:
        return False
    if not is_ours(lane, document):
        return False
    raise StepFailed(
        f"{lane.target_id}: the ODS lists fewer records than it holds: one that its collection left out is there by "
        "id. The list can't be trusted, so nothing was cleaned up. Ask the ODS's operator; the next run tries again."
    )


def _drop(lane: Lane, key_ids: list[str]) -> None:
    with lane.writing() as connection:
        posts = _desired_events(connection, lane, key_ids, Action.POST, Cause.NOT_IN_ODS, READ_STEP)
        mappings.remove(connection, lane.target_id, key_ids)
        events.add(connection, lane.target_id, lane.run_id, posts)
