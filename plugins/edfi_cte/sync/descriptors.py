"""The descriptors that associations refer to: one that the ODS lacks is waited for before anything is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from edfi_cte.associations.plan import Action
from edfi_cte.ledger import events
from edfi_cte.ledger.events import Failure
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.ods.values import descriptor_uri
from edfi_cte.sync.lane import Lane

DESCRIPTOR_MISSING = "descriptor_missing"
ADVICE = "Map the Campus value to a descriptor that the ODS has, or ask the state to add it."

COLLECTIONS = {
    name: f"{name}s"
    for name in ("cteProgramServiceDescriptor", "careerPathwayDescriptor", "technicalSkillsAssessmentDescriptor")
}
"""The properties that a preference maps to, and the collection of each."""


class Descriptors:
    """Which of those descriptors the ODS has; a collection that the key may not read says nothing."""

    def __init__(self, lane: Lane, client: EdFiClient) -> None:
        self._lane, self._client = lane, client
        self._known: dict[str, set[str]] = {}

    async def prepare(self, step: str) -> None:
        """Read them if ``step`` has a Delete/Post to send: nothing else takes a record away first."""
        with self._lane.ledger.connect() as connection:
            due = events.unfinished(connection, self._lane.target_id, step, only=Action.DELETE_POST)
        for name, collection in COLLECTIONS.items() if due else ():
            try:
                documents = await self._client.find(collection, {})
            except EdFiError:
                continue
            self._known[name] = {uri.casefold() for d in documents if (uri := descriptor_uri(d))}

    def missing(self, row: sa.Row[Any]) -> Failure | None:
        """Why a Delete/Post has to wait, if the ODS lacks one of its descriptors."""
        if row.action != Action.DELETE_POST:
            return None
        for name, uri in _descriptors(json.loads(row.body)):
            if name in self._known and uri.casefold() not in self._known[name]:
                said = f"the ODS has no {name} '{uri}'; nothing was deleted"
                return Failure(error_type=DESCRIPTOR_MISSING, message=said, advice=ADVICE)
        return None


def _descriptors(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and name.endswith("Descriptor"):
                yield name, inner
            else:
                yield from _descriptors(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _descriptors(inner)
