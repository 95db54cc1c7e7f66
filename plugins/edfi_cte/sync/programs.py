"""The Program documents that associations refer to: named when the ODS lacks them, created if the settings say so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger import events
from edfi_cte.ledger.events import Failure
from edfi_cte.lines import say
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.ods.errors import AuthorizationDenied
from edfi_cte.ods.values import text_of, whole_number
from edfi_cte.sync.lane import Lane, StepFailed

log = logging.getLogger(__name__)

PROGRAM_MISSING = "program_missing"
ADVICE = (
    "Create the program in the ODS, set create_missing_programs in the resource preferences, or map the CTE Program "
    "Type to a program that exists."
)


ON_TRUST = (
    "the key may not read the ODS's programs, so they can't be checked before records are sent: the ODS refuses the "
    "records of one that is missing. Have the state add the right to read programs to the key's claim set."
)


class Programs:
    """Which programs of our education organization and program type the ODS has."""

    def __init__(self, lane: Lane, client: EdFiClient) -> None:
        self._lane, self._client = lane, client
        self._missing: dict[str, str] = {}

    async def prepare(self, step: str) -> None:
        """Find what is missing for the queue of ``step``, name it with the records that wait, or create it."""
        with self._lane.ledger.connect() as connection:
            wanted = events.program_names(connection, self._lane.target_id, step)
        try:
            known = await known_programs(self._lane, self._client) if wanted else set()
        except AuthorizationDenied:
            say(log, logging.WARNING, f"{self._lane.target_id}: {ON_TRUST}")
            return
        except EdFiError as error:
            raise StepFailed(
                f"{self._lane.target_id}: reading the ODS's programs failed: {error} Nothing was sent.",
                transient=True,
            ) from None
        for name in sorted(wanted.keys() - known):
            if why := await self._still_missing(name, known):
                self._missing[name] = why
                say(log, logging.WARNING, f"{self._lane.target_id}: {why}; {wanted[name]:,} records wait for it")

    async def _still_missing(self, name: str, known: set[str]) -> str | None:
        """Why a program stays missing; None if the settings say to create it and the ODS has taken it."""
        if not self._lane.preferences.create_missing_programs:
            return lacking(name, known)
        try:
            await self._create(name)
        except EdFiError as error:
            return f"{lacking(name, known)}, and refused to create it ({error})"
        return None

    def missing(self, row: sa.Row[Any]) -> Failure | None:
        """Why an event has to wait, if its program is missing: nothing is sent, so nothing is deleted either."""
        if row.body is None or row.program_name not in self._missing:
            return None
        return Failure(
            error_type=PROGRAM_MISSING,
            message=self._missing[row.program_name],
            advice=ADVICE,
        )

    async def _create(self, name: str) -> None:
        document = {
            "educationOrganizationReference": {"educationOrganizationId": self._lane.target.edorg_id},
            "programName": name,
            "programTypeDescriptor": self._lane.preferences.program_type_descriptor,
        }
        await self._client.upsert("programs", document)
        log.info("%s: created the program '%s'", self._lane.target_id, name)


async def known_programs(lane: Lane, client: EdFiClient) -> set[str]:
    """The names of the ODS's programs of the lane's education organization and program type."""
    return {
        document["programName"]
        async for document in client.iterate("programs", {"educationOrganizationId": lane.target.edorg_id})
        if _is_ours(lane, document)
    }


def _is_ours(lane: Lane, document: Mapping[str, Any]) -> bool:
    """Of our education organization and program type, with a name; what says nothing of these is none to refer to."""
    edorg = document.get("educationOrganizationReference")
    edorg_id = whole_number(edorg.get("educationOrganizationId")) if isinstance(edorg, dict) else None
    ours = lane.preferences.program_type_descriptor.casefold()
    kind, name = text_of(document, "programTypeDescriptor"), text_of(document, "programName")
    return name != "" and edorg_id == lane.target.edorg_id and kind.casefold() == ours


def lacking(name: str, known: set[str]) -> str:
    """What to say of a program that the ODS lacks; an ODS on PostgreSQL knows it in its own spelling only."""
    said = f"the ODS has no program '{name}' of this education organization and program type"
    spelt = [other for other in known if other.casefold() == name.casefold()]
    return f"{said}; it spells it '{spelt[0]}'" if spelt else said
