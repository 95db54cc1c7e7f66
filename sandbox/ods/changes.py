"""Change queries: available versions, deletes and key changes (ODS `EdFi.Ods.Features.ChangeQueries`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.ods.authorization import Authorizer, require_claim
from sandbox.ods.clients import Session
from sandbox.ods.dialects import Dialect
from sandbox.ods.documents import public_id
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.filters import filters_of
from sandbox.ods.messages import Request, Response, json_response
from sandbox.ods.paging import Page, change_versions, parse_bare_page, parse_change_page
from sandbox.ods.resources import Resource
from sandbox.ods.store import Deletion, Key, KeyChange, Store
from sandbox.ods.strict_paging import strict_change_page


def available(store: Store, dialect: Dialect) -> Response:
    """GET /changeQueries/v1/availableChangeVersions: any valid token may ask."""
    oldest, newest = dialect.change_version_names
    return json_response(200, {oldest: 0, newest: store.change_version})


@dataclass(frozen=True)
class ChangeReader:
    """Reads what is gone from one ODS, or has another key."""

    store: Store
    dialect: Dialect
    authorizer: Authorizer

    def deletes(self, session: Session, resource: Resource, request: Request) -> Response:
        """GET …/deletes: items that are gone. One that was created anew with the same key is not listed."""
        if self.dialect.deletes == "useless":
            return self._deletes_of_v5(resource, request)
        page = self._page(resource, request)
        require_claim(session, resource, "readChanges")
        live = self.store.by_key[resource.entity]
        least, most = change_versions(request.parameters, self.dialect)
        found = [
            deletion
            for deletion in self.store.collections[resource.name].deletions
            if least <= deletion.change_version <= most
            and deletion.key not in live
            and self.authorizer.permits_change(session, resource, deletion.key)
        ]
        return _answer(found, page, lambda item: self._deletion(item, resource))

    def key_changes(self, session: Session, resource: Resource, request: Request) -> Response:
        """GET …/keyChanges: one line an item, from its key before the versions asked for to the one after them."""
        if not self.dialect.key_changes:
            raise Failure(Kind.UNKNOWN_ROUTE)
        page = self._page(resource, request)
        require_claim(session, resource, "readChanges")
        least, most = change_versions(request.parameters, self.dialect)
        by_id: dict[str, KeyChange] = {}
        for change in self.store.collections[resource.name].key_changes:
            if least <= change.change_version <= most:
                first = by_id.pop(change.id, change)
                by_id[change.id] = KeyChange(change.id, first.old, change.new, change.change_version)
        found = [item for item in by_id.values() if self._permits(session, resource, item)]
        return _answer(found, page, lambda item: self._key_change(item, resource))

    def _permits(self, session: Session, resource: Resource, change: KeyChange) -> bool:
        """By the old key; a student with another id is the same student all the time."""
        permits = self.authorizer.permits_change
        renamed = resource.name == "students" and permits(session, resource, change.new)
        return renamed or permits(session, resource, change.old)

    def _deletes_of_v5(self, resource: Resource, request: Request) -> Response:
        """Its query asks for no claim, knows no cap and no count, and reads 25 rows where no limit is named.

        Its triggers miss every derived resource (ODS-4087), and its rows carry no key.
        """
        page = parse_bare_page(request.parameters, self.dialect)
        least, most = change_versions(request.parameters, self.dialect)
        deletions = [] if resource.base else self.store.collections[resource.name].deletions
        found = [deletion for deletion in deletions if least <= deletion.change_version <= most]
        return _answer(found, page, lambda item: {"Id": item.id, "ChangeVersion": item.change_version})

    def _page(self, resource: Resource, request: Request) -> Page:
        if self.dialect.strict_queries:
            return strict_change_page(request, {*filters_of(resource, self.dialect), "id"})
        return parse_change_page(request.parameters, self.dialect)

    def _deletion(self, deletion: Deletion, resource: Resource) -> dict[str, Any]:
        return {
            "id": public_id(deletion.id, self.dialect),
            "changeVersion": deletion.change_version,
            "keyValues": _key_values(resource, deletion.values),
        }

    def _key_change(self, change: KeyChange, resource: Resource) -> dict[str, Any]:
        return {
            "id": public_id(change.id, self.dialect),
            "changeVersion": change.change_version,
            "oldKeyValues": _key_values(resource, change.old),
            "newKeyValues": _key_values(resource, change.new),
        }


def _answer(found: Sequence[Any], page: Page, describe: Callable[[Any], dict[str, Any]]) -> Response:
    headers = [("Total-Count", str(len(found)))] if page.total_count else []
    rows = [describe(item) for item in found[page.offset : page.offset + page.limit]]
    return json_response(200, rows, headers)


def _key_values(resource: Resource, key: Key) -> dict[str, str | int]:
    return {part.name: value for part, value in zip(resource.key, key, strict=True)}
