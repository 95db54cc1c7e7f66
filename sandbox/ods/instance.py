"""One ODS: a school year's database with everything that reads and writes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.ods.authorization import Authorizer
from sandbox.ods.changes import ChangeReader
from sandbox.ods.dialects import Dialect
from sandbox.ods.documents import internal_id, representation
from sandbox.ods.failures import Failure
from sandbox.ods.messages import decode
from sandbox.ods.properties import pascal
from sandbox.ods.reading import Reader
from sandbox.ods.store import Follower, Store
from sandbox.ods.writing import Writer

Documents = Mapping[str, Iterable[Mapping[str, Any]]]
"""A seed: resource name to documents in API form."""


class SeedError(ValueError):
    """A seed or a hand edit that cannot be taken; the message says which document and why."""


class Instance:
    """One ODS. Hand edits (`put`, `remove`, `seed`) are validated like requests but need no authorization."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._use(Store())

    def _use(self, store: Store) -> None:
        self.store = store
        self.authorizer = Authorizer(store, self.dialect)
        self.reader = Reader(store, self.dialect, self.authorizer)
        self.writer = Writer(store, self.dialect, self.authorizer)
        self.changes = ChangeReader(store, self.dialect, self.authorizer)

    def follow(self, follower: Follower) -> None:
        """Has every change from now on told to a follower."""
        self.store.follower = follower

    def clear(self) -> None:
        """An empty ODS, without descriptors or history."""
        follower = self.store.follower
        self._use(Store())
        if follower is not None:
            self.follow(follower)
            follower.cleared()

    def seed(self, documents: Documents) -> None:
        """Upserts documents in load order: descriptors first, then whatever refers to what came before."""
        unknown = sorted(set(documents) - set(self.store.resources))
        if unknown:
            known = ", ".join(name for name in self.store.resources if not name.endswith("Descriptors"))
            raise SeedError(
                f"The seed has resources that the sandbox doesn't serve: {', '.join(unknown)}. "
                f"It serves the descriptors and: {known}."
            )
        for name in sorted(documents, key=lambda name: self.store.resources[name].order):
            for index, document in enumerate(documents[name]):
                self.put(name, document, f"{name}[{index}]")

    def put(self, name: str, document: Mapping[str, Any], place: str = "") -> dict[str, Any]:
        """Creates or replaces one document by natural key; the document as stored, with its id."""
        resource = self.store.resources.get(name)
        if resource is None:
            raise SeedError(f"The sandbox doesn't serve {name!r}.")
        raw = {key: value for key, value in document.items() if key not in _READ_ONLY}
        if resource.is_descriptor:
            raw.setdefault("namespace", f"uri://ed-fi.org/{resource.entity}")
            raw.setdefault("shortDescription", str(raw.get("codeValue", ""))[:75])
        try:
            record, _ = self.writer.upsert(None, resource, raw, {})
        except Failure as failure:
            facts = {key: value for key, value in failure.facts.items() if key in ("problems", "entity", "uri")}
            raise SeedError(f"{place or name}: {failure} {facts or ''}".rstrip()) from failure
        stored: dict[str, Any] = decode(representation(record, self.dialect))
        return stored

    def remove(self, name: str, identifier: str) -> bool:
        """Deletes one document by id; False if it wasn't there."""
        resource = self.store.resources.get(name)
        record_id = internal_id(identifier)
        if resource is None or record_id is None:
            raise SeedError(f"{name!r} is not served or {identifier!r} is no id.")
        if record_id not in self.store.collections[name].by_id:
            return False
        try:
            self.writer.delete(None, resource, record_id, {})
        except Failure as failure:
            raise SeedError(f"{pascal(name)}: {failure} {failure.facts}") from failure
        return True

    def documents(self, name: str) -> list[dict[str, Any]]:
        """Every document of a resource, in the order of insertion, whoever may see it."""
        collection = self.store.collections.get(name)
        if collection is None:
            raise SeedError(f"The sandbox doesn't serve {name!r}.")
        return [decode(representation(record, self.dialect)) for record in collection.by_id.values()]


_READ_ONLY = frozenset({"id", "_etag", "_lastModifiedDate"})
