"""Change queries: available versions, deletes and key changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.ods.authorization import require_claim
from sandbox.ods.clients import Session
from sandbox.ods.definitions import Resource
from sandbox.ods.dialects import Dialect
from sandbox.ods.documents import public_id
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.messages import Request, Response, json_response
from sandbox.ods.paging import LAST_NUMBER, MAX_LIMIT, Limits, change_versions, parse_page
from sandbox.ods.store import Deletion, Key, KeyChange, Store

_LIMIT_MESSAGE = f"Limit must be omitted or set to a value between 1 and {MAX_LIMIT}."


def available(store: Store, dialect: Dialect) -> Response:
    """GET /changeQueries/v1/availableChangeVersions."""
    oldest, newest = dialect.change_version_names
    return json_response(200, {oldest: 0, newest: store.change_version})


def deletes(session: Session, resource: Resource, store: Store, dialect: Dialect, request: Request) -> Response:
    """GET …/deletes: items that are gone. One that was created anew with the same key is not listed."""
    _require_read_changes(session, resource, dialect)
    found = [
        deletion
        for deletion in store.collections[resource.name].deletions
        if deletion.key not in store.by_key[resource.entity]
    ]
    if dialect.deletes == "useless":
        # ODS-4087: the triggers of v5.x miss every derived resource, and its rows carry no key.
        return _page([] if resource.base else found, _deletion_without_key, dialect, request)
    return _page(found, lambda item: _deletion(item, resource, dialect), dialect, request)


def key_changes(session: Session, resource: Resource, store: Store, dialect: Dialect, request: Request) -> Response:
    """GET …/keyChanges: items whose natural key was changed by a PUT; v5.x has no such endpoint."""
    if not dialect.key_changes:
        raise Failure(Kind.UNKNOWN_ROUTE)
    _require_read_changes(session, resource, dialect)
    found = store.collections[resource.name].key_changes
    return _page(found, lambda item: _key_change(item, resource, dialect), dialect, request)


def _require_read_changes(session: Session, resource: Resource, dialect: Dialect) -> None:
    require_claim(session, resource, "readChanges" if dialect.read_changes_action else "read")


def _page(items: Iterable[Any], describe: Any, dialect: Dialect, request: Request) -> Response:
    parameters = request.parameters
    bare = dialect.deletes == "useless"  # v5.x knows neither a cap nor a count here
    limits = Limits(0, LAST_NUMBER, dialect.limit_message) if bare else Limits(1, MAX_LIMIT, _LIMIT_MESSAGE)
    page = parse_page(parameters, dialect, limits)
    least, most = change_versions(parameters, dialect)
    chosen = [item for item in items if least <= item.change_version <= most]
    headers = [("Total-Count", str(len(chosen)))] if page.total_count and not bare else []
    rows = [describe(item) for item in chosen[page.offset : page.offset + page.limit]]
    return json_response(200, rows, headers)


def _deletion_without_key(deletion: Deletion) -> dict[str, Any]:
    return {"Id": deletion.id, "ChangeVersion": deletion.change_version}


def _deletion(deletion: Deletion, resource: Resource, dialect: Dialect) -> dict[str, Any]:
    return {
        "id": public_id(deletion.id, dialect),
        "changeVersion": deletion.change_version,
        "keyValues": _key_values(resource, deletion.key),
    }


def _key_change(change: KeyChange, resource: Resource, dialect: Dialect) -> dict[str, Any]:
    return {
        "id": public_id(change.id, dialect),
        "changeVersion": change.change_version,
        "oldKeyValues": _key_values(resource, change.old),
        "newKeyValues": _key_values(resource, change.new),
    }


def _key_values(resource: Resource, key: Key) -> dict[str, str | int]:
    return {part.name: value for part, value in zip(resource.key, key, strict=True)}
