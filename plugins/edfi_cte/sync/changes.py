"""Whether a resync may read only what has changed, and from which version on.

An API's change queries tell what was written since a version; of what was deleted they tell nothing to a key that
lacks ReadChanges. What they can't show (a right gained as another record goes, a value that changes without its row,
a commit far below the newest version) is found by the whole reading that comes every ``full_resync_days``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from edfi_cte.associations.model import canonical_json, digest
from edfi_cte.ledger import bulk, deletions, kept, mappings, resyncs, settling
from edfi_cte.ods import ChangeVersions, EdFiClient
from edfi_cte.sync.documents import is_ours, key_of
from edfi_cte.sync.lane import RESOURCE, Lane
from edfi_cte.sync.listed import filters_of

OVERLAP = 500
"""Versions that are read again: a slow transaction's rows appear below the newest. Reading twice does no harm."""
BY_CHANGE = "what has changed"
"""What a resync's counts have as ``read``, where it was not all."""
MOST = 5000
"""Changed documents that are held in memory until their number adds up; of more the whole is read."""


@dataclass(frozen=True, slots=True)
class LastResync:
    """What the last clean resync of a target has left.

    ``scope`` tells whose records of which program type it read at ``data_url``. ``newest`` is the version that the
    API named before that reading, ``earlier`` the one before the reading before it. ``whole_at``: when the last whole
    one began, UTC.
    """

    data_url: str
    scope: str
    whole_at: datetime
    earlier: int
    newest: int

    @property
    def since(self) -> int:
        """The first version to read next time: windows overlap by a whole run, and by some versions more."""
        return max(self.earlier - OVERLAP, 0)


def why_whole(
    last: LastResync | None,
    versions: ChangeVersions | None,
    *,
    data_url: str,
    scope: str,
    days: int,
    now: datetime,
) -> str | None:
    """Why the changes alone would not do; None where they do."""
    if last is None:
        return "no earlier resync has succeeded"
    if versions is None:
        return "the API has no change queries"
    if last.data_url != data_url:
        return "the API's address has changed"
    if last.scope != scope:
        return "another education organization or program type is read"
    if not timedelta(0) <= now - last.whole_at < timedelta(days=days):
        return f"the last whole reading is {days} days old"
    if versions.newest < last.newest:
        return "the API's change versions are lower than before"
    if versions.oldest > last.since:
        return "the API no longer knows changes that old"
    return None


@dataclass(frozen=True, slots=True)
class Changed:
    """What has changed: ``total`` records of ours are there, ``gone`` (key by key) were and are no more."""

    documents: list[dict[str, Any]]
    total: int
    gone: set[str]


class Changes:
    """The changes of one target's records since its last clean resync. ``why_whole``: why they would not do."""

    def __init__(
        self, lane: Lane, client: EdFiClient, data_url: str, last: LastResync | None, versions: ChangeVersions | None
    ) -> None:
        self._lane, self._client, self._data_url, self._last, self._versions = lane, client, data_url, last, versions
        self.why_whole: str | None = None

    @classmethod
    async def open(cls, lane: Lane, client: EdFiClient) -> Changes:
        """Ask the API for its versions, before anything is read."""
        versions = await client.change_versions()
        data_url = (await client.discover()).data_url
        with lane.ledger.connect() as connection:
            last = _last(connection, lane.target_id)
            strangers = resyncs.any_stranger(connection, lane.target_id)
            doubts = settling.any_doubt(connection, lane.target_id)
        changes = cls(lane, client, data_url, last, versions)
        if lane.options.whole_resync:
            changes.why_whole = "the run was triggered for it"
        elif doubts:
            changes.why_whole = "some requests had no answer, and only a whole reading shows what they did"
        elif strangers or lane.options.approve:
            changes.why_whole = "the ODS has records without a source, or a list was approved"
        else:
            days = lane.settings.full_resync_days
            changes.why_whole = why_whole(
                last, versions, data_url=data_url, scope=scope_of(lane), days=days, now=bulk.now()
            )
        return changes

    async def read(self, run_began: datetime) -> Changed | str:
        """The changed documents, if with them every record is accounted for; else why it is not. Writes nothing."""
        assert self._last is not None  # noqa: S101 - else why_whole had said so
        lane, filters, documents = self._lane, filters_of(self._lane), []
        async for page in self._client.pages(RESOURCE, filters | {"minChangeVersion": self._last.since}, at_once=1):
            documents += [document for document in page if is_ours(lane, document)]
            if len(documents) > MOST:
                return f"more than {MOST} records have changed"
        total = await self._client.total_count(RESOURCE, filters)
        with lane.ledger.connect() as connection:
            ids = {document["id"] for document in documents}
            mapped = mappings.by_ods_id(connection, lane.target_id, list(ids))
            strangers = ids - mapped.keys()
            strangers -= deletions.gone(connection, lane.target_id, run_began, list(strangers))
            keys = [key_of(document).key_id for document in documents if document["id"] in strangers]
            if mappings.ods_ids(connection, lane.target_id, keys):
                return "a record that was ours has come back under another id"
            hidden = kept.hidden(connection, lane.target_id) - ids
            missing = mappings.count(connection, lane.target_id) - len(hidden) + len(strangers) - total
        if missing < 0:
            return f"the API counts {-missing} records more than are known"
        gone = await self._gone(ids | hidden) if missing else set()
        if gone is None or len(gone) != missing:
            return f"{missing} records are missing, and the API does not say which"
        return Changed(documents, total, gone)

    async def _gone(self, others: set[str]) -> set[str] | None:
        """The keys of the mapped records that were deleted, where the key may ask for that."""
        assert self._last is not None  # noqa: S101
        deleted = await self._client.deleted_ids(RESOURCE, self._last.since)
        if deleted is None:
            return None
        with self._lane.ledger.connect() as connection:
            rows = mappings.by_ods_id(connection, self._lane.target_id, [i for i in deleted if i not in others])
        return {row.key_id for row in rows.values()}

    def outcome(self, because: str | None, began: datetime) -> dict[str, Any]:
        """For the run's history: how it was read, and what the next resync needs if this one ends well."""
        read: dict[str, Any] = {"read": f"all, since {because}" if because else BY_CHANGE}
        if self._versions is None:
            return read
        last, newest = self._last, self._versions.newest
        same = last is not None and last.data_url == self._data_url and last.scope == scope_of(self._lane)
        earlier = min(last.newest, newest) if last is not None and same else newest
        whole_at = began if because or last is None else last.whole_at
        state = LastResync(self._data_url, scope_of(self._lane), whole_at, earlier, newest)
        return read | {"next_resync": asdict(state) | {"whole_at": whole_at.isoformat()}}


def scope_of(lane: Lane) -> str:
    """A digest of whose records of which program type are read."""
    return digest(canonical_json(filters_of(lane)))


def keep_if_clean(lane: Lane, counts: dict[str, Any]) -> None:
    """At the end of a resync keep what the next one needs to read the changes alone, unless something is left open.

    Then the next one starts where this one did, and finds it again.
    """
    state = counts.get("next_resync")
    if state is None:
        return
    with lane.writing() as connection:
        if not resyncs.anything_open(connection, lane.target_id, lane.run_id):
            resyncs.save(
                connection,
                lane.target_id,
                data_url=state["data_url"],
                scope=state["scope"],
                whole_at=datetime.fromisoformat(state["whole_at"]),
                earlier_version=state["earlier"],
                newest_version=state["newest"],
            )


def _last(connection: Any, target_id: str) -> LastResync | None:
    row = resyncs.last(connection, target_id)
    if row is None:
        return None
    return LastResync(row.data_url, row.scope, row.whole_at, row.earlier_version, row.newest_version)
