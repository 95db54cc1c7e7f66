"""One event on its way to the ODS."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.model import NaturalKey
from edfi_cte.associations.plan import Action
from edfi_cte.ledger.events import Failure, Result
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.ods.errors import MalformedAnswer, NotFound, NotYetEnrolled, WrongRoute
from edfi_cte.sync.documents import key_of
from edfi_cte.sync.lane import RESOURCE
from edfi_cte.sync.programs import Programs


async def deliver(client: EdFiClient, programs: Programs, row: sa.Row[Any]) -> Result:
    """Send an event; whatever the ODS answers becomes its result. Safe to repeat at any point."""
    missing = programs.missing(row)
    if missing is not None:
        return Result(row, failure=missing)
    deleted = False
    try:
        if Action(row.action).deletes:
            await _delete(client, row)
            deleted = True
        if row.action == Action.DELETE:
            return Result(row, http_status=204, deleted=True)
        written = await (
            _put(client, row) if row.action == Action.PUT else client.upsert(RESOURCE, row.body.encode())
        )
        ods_id = written.id or await _learn_id(client, row)
        return Result(row, http_status=written.status, deleted=deleted, ods_id=ods_id)
    except EdFiError as error:
        if isinstance(error, NotYetEnrolled) and row.action == Action.DELETE:
            return Result(row, http_status=error.status, out_of_reach=True)
        return Result(row, http_status=error.status, deleted=deleted, failure=failure_of(error))


async def _put(client: EdFiClient, row: sa.Row[Any]) -> Any:
    body = row.body.encode()
    try:
        return await client.put(RESOURCE, row.ods_id, body)
    except WrongRoute:
        raise
    except NotFound:
        # Somebody deleted it by hand; a PUT never creates.
        return await client.upsert(RESOURCE, body)


async def _delete(client: EdFiClient, row: sa.Row[Any]) -> None:
    if row.ods_id is not None:
        await client.delete(RESOURCE, row.ods_id)
        return
    # A post whose answer was lost: the ODS may hold it, under an id that we never learnt.
    for ods_id in await _find_ids(client, row):
        await client.delete(RESOURCE, ods_id)


async def _learn_id(client: EdFiClient, row: sa.Row[Any]) -> str:
    """The id of what was just written, where a gateway has taken Location out of the answer."""
    found = await _find_ids(client, row)
    if len(found) != 1:
        raise MalformedAnswer("The ODS accepted the document, gave no Location, and does not list it.")
    return found[0]


async def _find_ids(client: EdFiClient, row: sa.Row[Any]) -> list[str]:
    key = NaturalKey.of(json.loads(row.body))
    documents = await client.find(RESOURCE, key_filters(key))
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
    """What the ledger keeps of an error."""
    return Failure(
        error_type=error.type,
        message=error.message,
        advice=error.advice,
        http_status=error.status,
        correlation_id=error.correlation_id,
        outcome_unknown=error.outcome_unknown,
        systemic=error.systemic,
    )
