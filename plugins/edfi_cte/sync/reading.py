"""One reading of the ODS's own records, compared with the mapping and with what is desired.

The reading is of a moment, and may come from a replica that lags behind our writes: what this run has itself deleted
or written since its plan is not found anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.actions import Action, Cause
from edfi_cte.associations.compare import differing
from edfi_cte.associations.decide import Decision, out_of_reach
from edfi_cte.associations.model import NaturalKey, digest
from edfi_cte.ledger import accounts, bulk, deletions, events, kept, lasting, mappings, records, runs
from edfi_cte.ledger.kept import FoundBy
from edfi_cte.ods import EdFiClient
from edfi_cte.ods.errors import AuthorizationDenied, NotFound, RightsMissing, WrongRoute
from edfi_cte.sync.changes import Changes
from edfi_cte.sync.checks.addresses import refuse_moved
from edfi_cte.sync.delivery import key_filters
from edfi_cte.sync.documents import as_sent, is_ours, key_of
from edfi_cte.sync.evidence import LaneEvidence, guard_of
from edfi_cte.sync.lane import RESOURCE, Lane, StepFailed
from edfi_cte.sync.listed import Listed

READ_STEP = "resync_identity_mapping"
CLEAN_STEP = "resync_ods"
CONFIRM = 100
MOST_HIDDEN = 200
"""More records than this are not asked for one by one."""
LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - the ledger's times have no zone
LOOK_AGAIN = 5.0
"""Seconds after which a list and a GET by id that disagree are asked once more."""


class _Mapped(NamedTuple):
    key_id: str
    ods_id: str
    enrollment_id: int


@dataclass
class Findings:
    """What one pass over the ODS showed, in numbers.

    ``twins``: id and key of those that the mapping has under another id, and that id. ``read``: whether all was read,
    or what has changed, and what the next reading needs of this one.
    """

    in_ods: int = 0
    read: dict[str, Any] = field(default_factory=dict)
    twins: list[tuple[str, NaturalKey, str]] = field(default_factory=list)
    edited: int = 0
    no_source: int = 0
    not_in_ods: int = 0
    out_of_reach: int = 0

    def counts(self) -> dict[str, Any]:
        """For the run's history."""
        return {
            "in_ods": self.in_ods,
            "not_in_ods": self.not_in_ods,
            "out_of_reach": self.out_of_reach,
            "edited": self.edited,
            "no_source": self.no_source,
            **self.read,
        }


class Reading:
    """A pass over the ODS, from its first page to what the next step has to do."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._began = bulk.now()
        self._evidence = LaneEvidence(lane)
        self._strangers = _Strangers(lane, self._evidence, self._began)
        with lane.ledger.connect() as connection:
            run = runs.get_run(connection, lane.target_id, lane.run_id)
            self._run_began = run.started_at if run is not None else self._began
            self._plan_after = runs.plan_after(connection, lane.target_id, lane.run_id)
            self._refused = kept.refused_since(connection, lane.target_id, LONG_AGO)
            self._differences = lasting.of_target(connection, lane.target_id)
        self.findings = Findings()

    async def run(self, client: EdFiClient) -> None:
        """Read what has changed, or all. Raises StepFailed, and EdFiError where the ODS can't be read to its end."""
        target_id = self._lane.target_id
        async with client:
            await refuse_moved(self._lane, client)
            with self._lane.writing() as connection:
                events.supersede(connection, target_id, CLEAN_STEP)
            changes = await Changes.open(self._lane, client)
            because = changes.why_whole or await self._shown_again(client) or await self._read_changes(changes)
            if because is not None:
                await self._read_whole(client)
        self.findings.read = changes.outcome(because, self._began)
        self._strangers.settle()
        self.findings.no_source = self._strangers.found
        with self._lane.writing() as connection:
            if because is not None:
                kept.sweep(connection, target_id, FoundBy.RESYNC, self._began)
            runs.know_ods(connection, target_id, self._began)

    async def _read_whole(self, client: EdFiClient) -> None:
        listed = Listed(self._lane, self._refused | self._differences.keys())
        async for page in listed.pages(client):
            self._examine(page)
        self.findings.in_ods = listed.count
        if not listed.complete:
            await self._drop_missing(client, listed)
        self._meet_twins(listed)

    async def _shown_again(self, client: EdFiClient) -> str | None:
        """Why the changes would not do: the ODS has changed its mind on a record that it did not show.

        A record that comes into reach has not changed itself, and makes up in the count for one that is gone.
        """
        with self._lane.ledger.connect() as connection:
            hidden = sorted(kept.hidden(connection, self._lane.target_id))
        if len(hidden) > MOST_HIDDEN:
            return f"more than {MOST_HIDDEN} records are out of reach"
        answers = await asyncio.gather(*(_presence(self._lane, client, ods_id) for ods_id in hidden))
        changed = sum(answer != _HIDDEN for answer in answers)
        return f"of the records that were out of reach {changed} are so no more" if changed else None

    async def _read_changes(self, changes: Changes) -> str | None:
        """Do what the changed documents ask for; or say, having done nothing, why they don't tell all."""
        found = await changes.read(self._run_began)
        if isinstance(found, str):
            return found
        self.findings.in_ods = found.total
        if found.gone:
            written = self._just_written_of(list(found.gone))
            _drop(self._lane, [key_id for key_id in found.gone if key_id not in written])
            self.findings.not_in_ods = len(found.gone) - len(written)
        for page in bulk.batches(found.documents, bulk.CHUNK):
            self._examine(page)
        return None

    def _just_written_of(self, key_ids: Sequence[str]) -> set[str]:
        with self._lane.ledger.connect() as connection:
            return self._just_written(connection, key_ids)

    def _examine(self, page: list[dict[str, Any]]) -> None:
        """Compare a page with the mapping, and queue what the next step has to do about it."""
        target_id, findings = self._lane.target_id, self.findings
        by_id = {document["id"]: document for document in page}
        with self._lane.ledger.connect() as connection:
            known = mappings.by_ods_id(connection, target_id, list(by_id))
            strangers = {i: key_of(document) for i, document in by_id.items() if i not in known}
            gone = deletions.gone(connection, target_id, self._run_began, list(strangers))
            strangers = {ods_id: key for ods_id, key in strangers.items() if ods_id not in gone}
            wanted = records.desired_keys(connection, target_id, [key.key_id for key in strangers.values()])
            twins = mappings.ods_ids(connection, target_id, list(wanted))
        findings.twins += [
            (ods_id, key, twins[key.key_id]) for ods_id, key in strangers.items() if key.key_id in twins
        ]
        puts = self._edited({ods_id: (row, by_id[ods_id]) for ods_id, row in known.items()})
        findings.edited += len(puts)
        back = [row.key_id for row in known.values() if row.key_id in self._refused]
        if puts or back:
            with self._lane.writing() as connection:
                kept.in_reach(connection, target_id, back)
                events.add(connection, target_id, self._lane.run_id, puts)
        self._strangers.meet(
            [(ods_id, key.key_id, key) for ods_id, key in strangers.items() if key.key_id not in wanted]
        )

    def _edited(self, pairs: dict[str, tuple[sa.Row[Any], dict[str, Any]]]) -> list[dict[str, Any]]:
        """Events for what the ODS holds otherwise than we sent it; where we want to send anew, that event will do."""
        edited = {
            mapped.key_id: (mapped, document)
            for mapped, document in pairs.values()
            if not as_sent(document, mapped.payload_hash, mapped.content_hash)
        }
        right = [
            row.key_id for row, _ in pairs.values() if row.key_id in self._differences and row.key_id not in edited
        ]
        if right:
            with self._lane.writing() as connection:
                lasting.forget(connection, self._lane.target_id, right)
        if not edited:
            return []
        with self._lane.ledger.connect() as connection:
            puts = _desired_events(connection, self._lane, list(edited), Action.PUT, Cause.EDITED_IN_ODS, CLEAN_STEP)
            written = self._just_written(connection, list(edited))
        found = {}
        for put in puts:
            mapped, document = edited[put["key_id"]]
            if put["payload_hash"] == mapped.payload_hash and put["key_id"] not in written:
                properties = differing(document, json.loads(put["body"]))
                if self._differences.get(put["key_id"]) != lasting.Difference(properties, remembered=True):
                    found[put["key_id"]] = properties
        with self._lane.writing() as connection:
            lasting.save(connection, self._lane.target_id, found, remembered=False)
        return [put for put in puts if put["key_id"] in found]

    def _just_written(self, connection: sa.Connection, key_ids: Sequence[str]) -> set[str]:
        lane = self._lane
        return accounts.just_written(connection, lane.target_id, lane.run_id, self._plan_after, key_ids)

    def _meet_twins(self, listed: Listed) -> None:
        """An ODS that minds case may hold two records of what is one key to us: the one that we did not send goes."""
        # Under a key of its own, so that the delete takes no mapping of ours along.
        self._strangers.meet(
            [(ods_id, digest(ods_id), key) for ods_id, key, mapped in self.findings.twins if listed.has(mapped)]
        )

    async def _drop_missing(self, client: EdFiClient, listed: Listed) -> None:
        """Drop the mappings whose absence a GET by id confirms; queue what is still wanted of them."""
        for page in mappings.pages(self._lane.ledger, self._lane.target_id):
            unseen = [_Mapped(*row) for row in page if not listed.has(row[1])]
            if unseen:
                written = self._just_written_of([row.key_id for row in unseen])
                for batch in bulk.batches((row for row in unseen if row.key_id not in written), CONFIRM):
                    await self._confirm(client, batch)

    async def _confirm(self, client: EdFiClient, batch: list[_Mapped]) -> None:
        answers = await asyncio.gather(*(_presence(self._lane, client, row.ods_id) for row in batch))
        there = [answer for answer in answers if isinstance(answer, dict)]
        if there:
            await _look_again(self._lane, client, there)
        gone = [row.key_id for row, answer in zip(batch, answers, strict=True) if answer == _ABSENT]
        hidden = [row for row, answer in zip(batch, answers, strict=True) if answer == _HIDDEN]
        self.findings.not_in_ods += len(gone)
        self.findings.out_of_reach += len(hidden)
        _drop(self._lane, gone)
        self._keep_hidden(hidden)

    def _keep_hidden(self, hidden: list[_Mapped]) -> None:
        """Mapped records that the ODS no longer shows are out of reach; what a plan keeps already stays as it is."""
        if not hidden:
            return
        lane, began = self._lane, self._began
        with lane.writing() as connection:
            known = kept.of_keys(connection, lane.target_id, [row.key_id for row in hidden])
            by_plan = {row.key_id for row in known if row.found_by == FoundBy.PLAN}
            rows = [
                kept.row(out_of_reach("not_shown"), row.key_id, enrollment_id=row.enrollment_id, ods_id=row.ods_id)
                for row in hidden
                if row.key_id not in by_plan
            ]
            kept.keep(connection, lane.target_id, lane.run_id, FoundBy.RESYNC, began, rows)


class _Strangers:
    """The records of ours that are in the ODS, and neither mapped nor desired: what each is worth, and the guard."""

    def __init__(self, lane: Lane, evidence: LaneEvidence, began: Any) -> None:
        self._lane, self._evidence, self._began = lane, evidence, began
        self._guard = guard_of(lane)
        self._room = max(0, self._guard.allowance - self._guard.deleted)
        self._unweighed: list[tuple[Decision, dict[str, Any]]] = []
        self._over = 0
        with lane.ledger.connect() as connection:
            row = runs.get_target(connection, lane.target_id)
        self._first_contact = (row is None or row.known_since is None) and lane.target.first_contact == "wait"
        self.found = 0

    def meet(self, strangers: list[tuple[str, str, NaturalKey]]) -> None:
        """Decide over some, each with its ODS id, the key to call it by, and its natural key."""
        if not strangers:
            return
        self.found += len(strangers)
        with self._lane.ledger.connect() as connection:
            before = kept.of_keys(connection, self._lane.target_id, [key_id for _, key_id, _ in strangers])
        met_first = {row.key_id for row in before if row.first_contact}
        decided = []
        for ods_id, key_id, key in strangers:
            first = self._first_contact or key_id in met_first
            decision = self._evidence.stranger(key_id, key, first_contact=first)
            row = _no_source(ods_id, key_id, key)
            if decision.passes and decision.list_id is None:
                self._unweighed.append((decision, row))
            else:
                decided.append((decision, row, first))
        self._settle(decided)
        if len(self._unweighed) > self._room:
            self._flush()

    def settle(self) -> None:
        """The guard has its say over all that were met."""
        self._flush()

    def _flush(self) -> None:
        """Weigh what was met so far: within the guard's room all of it passes, beyond it nothing does."""
        self._over += len(self._unweighed)
        guard = self._guard.weigh({decision.item: self._over for decision, _ in self._unweighed})
        self._settle([(guard.decide(decision), row, False) for decision, row in self._unweighed])
        self._unweighed = []

    def _settle(self, decided: list[tuple[Decision, dict[str, Any], bool]]) -> None:
        lane = self._lane
        passing = [(decision, row) for decision, row, _ in decided if decision.passes]
        staying = [
            kept.row(decision, row["key_id"], enrollment_id=None, ods_id=row["ods_id"], first_contact=first)
            for decision, row, first in decided
            if not decision.passes
        ]
        if passing or staying:
            with lane.writing() as connection:
                events.add_decided(connection, lane.target_id, lane.run_id, passing)
                kept.keep(connection, lane.target_id, lane.run_id, FoundBy.RESYNC, self._began, staying)


def _no_source(ods_id: str, key_id: str, key: NaturalKey) -> dict[str, Any]:
    return {
        "step": CLEAN_STEP,
        "key_id": key_id,
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
    same = (
        "enrollment_id",
        "key_id",
        "key_exact",
        "student_unique_id",
        "begin_date",
        "program_name",
        "cte_program_type",
        "career_cluster",
        "payload_hash",
        "content_hash",
        "transformed_with",
        "body",
    )
    return [
        {"step": step, "action": action, "cause": cause, "ods_id": ods_ids.get(row.key_id)}
        | {name: getattr(row, name) for name in same}
        for row in rows
    ]


_ABSENT, _HIDDEN = "absent", "hidden"


async def _presence(lane: Lane, client: EdFiClient, ods_id: str) -> dict[str, Any] | str:
    """What the ODS says by id of a record that its list left out: the document, if it is there and ours after all.

    Hidden is one of a student whose enrollment has left the ODS, and one of a program type that was ours before.
    """
    try:
        document = dict(await client.get(RESOURCE, ods_id))
    except (WrongRoute, RightsMissing):
        raise
    except NotFound:
        return _ABSENT
    except AuthorizationDenied:
        return _HIDDEN
    return document if is_ours(lane, document) else _HIDDEN


async def _look_again(lane: Lane, client: EdFiClient, documents: list[dict[str, Any]]) -> None:
    """Ask the list once more for what is there by id: it may come from a replica that lags. Raises StepFailed."""
    await asyncio.sleep(LOOK_AGAIN)
    found = await asyncio.gather(*(client.find(RESOURCE, key_filters(key_of(d))) for d in documents))
    listed = {document["id"] for page in found for document in page}
    left_out = sum(document["id"] not in listed for document in documents)
    if left_out:
        raise StepFailed(
            f"{lane.target_id}: the ODS lists fewer records than it holds: {left_out} that its collection left out "
            f"are there by id, {LOOK_AGAIN:g} s later too. The list can't be trusted, so this resync has cleaned up "
            "nothing by it. The next try reads again; if it happens again, ask the ODS's operator.",
            transient=True,
        )


def _drop(lane: Lane, key_ids: list[str]) -> None:
    if not key_ids:
        return
    with lane.writing() as connection:
        posts = _desired_events(connection, lane, key_ids, Action.POST, Cause.NOT_IN_ODS, READ_STEP)
        mappings.remove(connection, lane.target_id, key_ids)
        kept.drop(connection, lane.target_id, key_ids)
        events.add(connection, lane.target_id, lane.run_id, posts)
