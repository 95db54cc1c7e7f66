"""The ODS's own list of our records, page by page, without those that are to the letter what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container
from typing import Any

from edfi_cte.associations.documents import Document, decode_page
from edfi_cte.ledger import mappings
from edfi_cte.ods import EdFiClient
from edfi_cte.sync.documents import is_ours
from edfi_cte.sync.known import Known
from edfi_cte.sync.lane import RESOURCE, Lane

PAGES_AT_ONCE = 4
"""Comparing is slower than reading; more pages would only wait in memory."""

_NEVER_SENT = "0" * 32


def filters_of(lane: Lane) -> dict[str, Any]:
    """The query of our records: of the education organization and the program type."""
    return {
        "educationOrganizationId": lane.target.edorg_id,
        "programTypeDescriptor": lane.preferences.program_type_descriptor,
    }


class Listed:
    """A whole reading of the list. ``looked_at``: keys whose documents are shown whatever they say."""

    def __init__(self, lane: Lane, looked_at: Container[str]) -> None:
        self._lane = lane
        self._edorg_id = lane.target.edorg_id
        self._kind = lane.preferences.program_type_descriptor
        self._known = Known(
            [(ods_id, _NEVER_SENT if key_id in looked_at else sent) for key_id, ods_id, sent in page]
            for page in mappings.sent(lane.ledger, lane.target_id)
        )
        self._of_others: set[str] = set()
        self.count = 0
        """How many records of ours came."""

    async def pages(self, client: EdFiClient) -> AsyncIterator[list[dict[str, Any]]]:
        """The documents of ours that say anything else than what was sent.

        The filters are checked here again: a server that ignores one would show us the records of others.
        """
        pages = client.pages(
            RESOURCE, filters_of(self._lane), at_once=PAGES_AT_ONCE, decode=decode_page, seen=self._known
        )
        async for page in pages:
            rest = [item for item in page if not self._as_sent(item)]
            documents = [item.plain() if isinstance(item, Document) else item for item in rest]
            ours = []
            for document in documents:
                if is_ours(self._lane, document):
                    ours.append(document)
                else:
                    self._of_others.add(document["id"])
            self.count += len(page) - len(documents) + len(ours)
            if ours:
                yield ours

    def has(self, ods_id: str) -> bool:
        """Whether the list had this id, as a record of ours."""
        return self._known.has_met(ods_id) and ods_id not in self._of_others

    @property
    def complete(self) -> bool:
        """Whether every mapped record was listed."""
        return self._known.complete and not self._of_others

    def _as_sent(self, item: Document | dict[str, Any]) -> bool:
        return (
            isinstance(item, Document)
            and self._known.was_sent(item.id, item.sent_digest())
            and item.educationOrganizationReference.educationOrganizationId == self._edorg_id
            and item.programReference.programTypeDescriptor == self._kind
        )
