"""One event on its way to the ODS.

A record that was right is never taken away before its successor is accepted. Where the keys of a Delete/Post differ,
the new record is posted and then the old one deleted. Where they are the same the old document is first kept in the
ledger, so that it can be put back if the new one is refused: at once, or by whoever sends something for the key next.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.compare import without_additions
from edfi_cte.associations.model import NaturalKey, canonical_json
from edfi_cte.associations.plan import Action
from edfi_cte.ledger.events import NOT_PUT_BACK, Failure, Result
from edfi_cte.ledger.old_documents import OldDocument
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.ods.errors import MalformedAnswer, NotFound, NotYetEnrolled, Refused, UnusableAnswer, WrongRoute
from edfi_cte.sync.documents import key_of
from edfi_cte.sync.lane import RESOURCE

REFUSALS = frozenset({400, 401, 403, 409, 412})
"""Of these statuses alone an answer of the API's says that a write was not carried out."""

KeepOld = Callable[[int, str], Awaitable[None]]
"""Makes the old document of an event, by its id, durable before it is deleted."""


class Delivery:
    """Sends events, one by one.

    ``missing``: why an event has to wait, if what it refers to is known to be missing. ``old``: by key, the documents
    that were deleted and, so far, neither replaced nor put back.
    """

    def __init__(
        self,
        client: EdFiClient,
        missing: Callable[[sa.Row[Any]], Failure | None],
        keep_old: KeepOld,
        old: dict[str, OldDocument],
    ) -> None:
        self._client, self._missing, self._keep_old, self.old = client, missing, keep_old, old

    async def deliver(self, row: sa.Row[Any]) -> Result:
        """Whatever the ODS answers becomes the event's result. Safe to repeat at any point."""
        missing = self._missing(row)
        if missing is not None:
            waits = Result(row, failure=missing)
            return await self._put_back(row, waits) if row.key_id in self.old else waits
        if row.action == Action.DELETE:
            return await self._delete(row)
        if row.action == Action.DELETE_POST and row.old_key_id == row.key_id:
            return await self._replace(row)
        result = await self._write(row)
        if row.action == Action.DELETE_POST and result.failure is None:
            return await self._take_old_away(row, result)
        return result

    async def _write(self, row: sa.Row[Any]) -> Result:
        """Post or put. A refused one puts the old document back, if one of this key is due."""
        try:
            written = await (
                self._put(row) if row.action == Action.PUT else self._client.upsert(RESOURCE, row.body.encode())
            )
        except EdFiError as error:
            failure = failure_of(error)
            result = Result(row, http_status=error.status, failure=failure, doubt=failure.outcome_unknown)
            return await self._put_back(row, result) if row.key_id in self.old else result
        try:
            ods_id = written.id or await self._learn_id(row.body)
        except EdFiError as error:
            return Result(row, http_status=error.status, failure=failure_of(error), doubt=True)
        return Result(row, http_status=written.status, ods_id=ods_id)

    async def _put(self, row: sa.Row[Any]) -> Any:
        body = row.body.encode()
        try:
            return await self._client.put(RESOURCE, row.ods_id, body)
        except WrongRoute:
            raise
        except NotFound:
            # Somebody deleted it by hand; a PUT never creates.
            return await self._client.upsert(RESOURCE, body)

    async def _take_old_away(self, row: sa.Row[Any], posted: Result) -> Result:
        """The second half of a Delete/Post whose keys differ.

        An ODS where students can be renamed may have moved the old record to the new key, and taken the post for it.
        """
        if posted.ods_id == row.ods_id:
            return replace(posted, moved=True)
        try:
            await self._client.delete(RESOURCE, row.ods_id)
        except NotYetEnrolled:
            return replace(posted, out_of_reach=True)
        except EdFiError as error:
            failure = failure_of(error)
            return replace(posted, http_status=error.status, failure=failure, old_doubt=failure.outcome_unknown)
        return replace(posted, deleted=True)

    async def _replace(self, row: sa.Row[Any]) -> Result:
        """A Delete/Post of one key."""
        try:
            await self._keep(row)
        except EdFiError as error:
            return Result(row, http_status=error.status, failure=replace(failure_of(error), outcome_unknown=False))
        try:
            await self._client.delete(RESOURCE, row.ods_id)
        except EdFiError as error:
            failure = failure_of(error)
            unknown = failure.outcome_unknown or row.in_doubt or row.old_in_doubt
            there = None if unknown else row.ods_id
            return Result(row, error.status, failure=failure, old_doubt=failure.outcome_unknown, restored_id=there)
        result = await self._write(row)
        return replace(result, deleted=True) if result.failure is None else result

    async def _keep(self, row: sa.Row[Any]) -> None:
        """What is there now, whoever wrote it; what an interrupted try has kept is that already."""
        if row.key_id in self.old:
            return
        try:
            document = await self._client.get(RESOURCE, row.ods_id)
        except WrongRoute:
            raise
        except NotFound:
            return
        try:
            body = canonical_json(without_additions(document))
        except RecursionError:
            raise MalformedAnswer("A document of the ODS is nested beyond reading.") from None
        await self._keep_old(row.event_id, body)
        self.old[row.key_id] = OldDocument(body, (row.event_id,))

    async def _put_back(self, row: sa.Row[Any], refused: Result) -> Result:
        assert refused.failure is not None  # noqa: S101
        if refused.failure.outcome_unknown or refused.failure.systemic:
            return refused
        body = self.old[row.key_id].body
        try:
            written = await self._client.upsert(RESOURCE, body.encode())
            return replace(refused, restored_id=written.id or await self._learn_id(body))
        except EdFiError as error:
            said = (
                f"{refused.failure.message} The record that it was to replace could not be put back: {error.message}"
            )
            failure = replace(refused.failure, error_type=NOT_PUT_BACK, message=said, systemic=error.systemic)
            return replace(refused, failure=failure, doubt=True)

    async def _delete(self, row: sa.Row[Any]) -> Result:
        """A delete by id; or by look-up where the ODS may hold a post whose answer, and id, was lost."""
        asked = False
        try:
            for ods_id in [row.ods_id] if row.ods_id is not None else await self._find_ids(row.body):
                asked = True
                await self._client.delete(RESOURCE, ods_id)
        except NotYetEnrolled as error:
            return Result(row, http_status=error.status, out_of_reach=True)
        except EdFiError as error:
            failure = failure_of(error)
            return Result(row, http_status=error.status, failure=failure, doubt=asked and failure.outcome_unknown)
        return Result(row, http_status=204, deleted=True)

    async def _learn_id(self, body: str) -> str:
        """The id of what was just written, where a gateway has taken Location out of the answer."""
        found = await self._find_ids(body)
        if len(found) != 1:
            raise MalformedAnswer("The ODS accepted the document, gave no Location, and does not list it.")
        return found[0]

    async def _find_ids(self, body: str) -> list[str]:
        key = NaturalKey.of(json.loads(body))
        documents = await self._client.find(RESOURCE, key_filters(key))
        return [document["id"] for document in documents if key_of(document).key_id == key.key_id]


def key_filters(key: NaturalKey) -> dict[str, Any]:
    """The natural key as query parameters of a collection GET."""
    return {
        "beginDate": key.begin_date.isoformat(),
        "educationOrganizationId": key.education_organization_id,
        "programEducationOrganizationId": key.program_education_organization_id,
        "programName": key.program_name,
        "programTypeDescriptor": key.program_type_descriptor,
        "studentUniqueId": key.student_unique_id,
    }


def failure_of(error: EdFiError) -> Failure:
    """What the ledger keeps of the error of a write."""
    unusable = isinstance(error, UnusableAnswer) or (isinstance(error, Refused) and error.status not in REFUSALS)
    return Failure(
        error_type=error.type,
        message=error.message,
        advice=error.advice,
        http_status=error.status,
        correlation_id=error.correlation_id,
        outcome_unknown=error.outcome_unknown or unusable,
        systemic=error.systemic,
    )
