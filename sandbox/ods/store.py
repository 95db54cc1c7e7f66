"""The records of one ODS in memory: keys, references, dependents and changes.

Nothing here knows HTTP, validation or authorization; what is handed in is already checked.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sandbox.ods.definitions import resources
from sandbox.ods.messages import decode, encode
from sandbox.ods.resources import Resource

_T = TypeVar("_T")

Key = tuple[str | int, ...]

_TICKS_AT_UNIX_EPOCH = 621_355_968_000_000_000
_TICKS_PER_SECOND = 10_000_000


@dataclass(eq=False, slots=True)
class Record:
    """One stored item. `body` is its canonical JSON without braces, id, etag and dates; `number` its surrogate key.

    `references` are the records it points to; `dependents` counts, by entity, the records that point to it.
    """

    resource: Resource
    id: str
    number: int
    key: Key
    body: bytes
    references: tuple[Record, ...]
    modified: int
    """Ticks of 100 ns since year 1, as in .NET."""
    change_version: int
    dependents: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The canonical document, decoded."""
        document: dict[str, Any] = decode(b"{" + self.body + b"}")
        return document


@dataclass(frozen=True, slots=True)
class Deletion:
    """An item that was there. `values`: its key as it was written, where `key` (a descriptor's) is in lower case."""

    id: str
    key: Key
    change_version: int
    values: Key


@dataclass(frozen=True, slots=True)
class KeyChange:
    id: str
    old: Key
    new: Key
    change_version: int


@dataclass(frozen=True, slots=True)
class SavedRecord:
    """A record as a state file holds it."""

    id: str
    number: int
    modified: int
    change_version: int
    document: dict[str, Any]


class Follower(Protocol):
    """Is told of every change of a store, after it was made."""

    def saved(self, record: Record) -> None: ...

    def deleted(self, name: str, deletion: Deletion) -> None: ...

    def key_changed(self, name: str, change: KeyChange) -> None: ...

    def cleared(self) -> None: ...


class Collection:
    """The records of one resource."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.by_id: dict[str, Record] = {}
        self.deletions: list[Deletion] = []
        self.key_changes: list[KeyChange] = []
        self._in_key_order: list[Record] | None = None
        self._in_insertion_order: list[Record] | None = None

    def changed_members(self) -> None:
        self._in_key_order = self._in_insertion_order = None

    def in_key_order(self) -> list[Record]:
        """The records by natural key: the order of the ODS's pages up to 7.2."""
        if self._in_key_order is None:
            self._in_key_order = sorted(self.by_id.values(), key=lambda record: record.key)
        return self._in_key_order

    def in_insertion_order(self) -> list[Record]:
        """The records by surrogate key: the order of the ODS's pages from 7.3 on."""
        if self._in_insertion_order is None:
            self._in_insertion_order = list(self.by_id.values())
        return self._in_insertion_order


class Store:
    """All records of one ODS (one school year's database)."""

    def __init__(self) -> None:
        self.resources = resources()
        self.collections = {name: Collection(resource) for name, resource in self.resources.items()}
        self.by_key: dict[str, dict[Key, Record]] = {}
        for resource in self.resources.values():
            self.by_key.setdefault(resource.entity, {})
            if resource.base:
                self.by_key.setdefault(resource.base, {})
        self.descriptors: dict[tuple[str, str], tuple[str, Record]] = {}
        """(type, URI in lower case) to the URI as stored and its record."""
        self.schools_of: dict[str, dict[int, int]] = {}
        """Student to the schools of their studentSchoolAssociations, counted."""
        self.past_schools_of: dict[str, set[int]] = {}
        """Student to the schools they were ever at: what is gone stays readable for these (change queries)."""
        self.by_student: dict[str, dict[str, dict[str, Record]]] = {}
        """Resource, student, id: so that a look-up by student need not read a whole collection."""
        self.change_version = 0
        self.revision = 0
        """Rises with every change of the data; caches hang on it."""
        self.organization_revision = 0
        self.follower: Follower | None = None
        self._numbers = 0
        self._last_ticks = 0
        self._ids = random.Random()  # ids need to be distinct, not secret

    # Reading

    def find(self, entity: str, key: Key) -> Record | None:
        """The record of an entity or of an abstract one (`EducationOrganization`), by natural key."""
        records = self.by_key.get(entity)
        return records.get(key) if records is not None else None

    def records(self) -> Iterator[Record]:
        for collection in self.collections.values():
            yield from collection.by_id.values()

    # Writing

    def insert(self, resource: Resource, key: Key, body: bytes, references: Iterable[Record]) -> Record:
        """A new record. The caller has made sure that the key is free."""
        self._numbers += 1
        record = Record(
            resource=resource,
            id=f"{self._ids.getrandbits(128):032x}",
            number=self._numbers,
            key=key,
            body=body,
            references=tuple(references),
            modified=self._tick(),
            change_version=self._changed(),
        )
        self.adopt(record)
        if self.follower is not None:
            self.follower.saved(record)
        return record

    def adopt(self, record: Record) -> None:
        """Takes in a record that already has its id, number and dates (a new one, or one from a state file)."""
        self.collections[record.resource.name].by_id[record.id] = record
        self._members_changed(record)
        self._index(record)
        self._numbers = max(self._numbers, record.number)
        self._last_ticks = max(self._last_ticks, record.modified)
        self.change_version = max(self.change_version, record.change_version)

    def replace(self, record: Record, key: Key, body: bytes, references: Iterable[Record]) -> bool:
        """Gives a record new contents; False, with nothing touched, when they are the same."""
        if body == record.body:
            return False
        old_key = record.key
        self._unindex(record)
        record.key, record.body, record.references = key, body, tuple(references)
        self._index(record)
        record.modified = self._tick()
        record.change_version = self._changed()
        if record.resource.base == "EducationOrganization":
            self.organization_revision += 1
        if self.follower is not None:
            self.follower.saved(record)
        if key != old_key:
            self._note_key_change(record, old_key)
        return True

    def rename_student(self, student: Record, name: str) -> None:
        """Gives the items of a student the student's new id, before the student's own record gets it.

        They hold the student's number, not the id: their versions, dates and etags stay what they are.
        """
        old = str(student.key[0])
        for by_student in self.by_student.values():
            for record in list(by_student.get(old, {}).values()):
                if record is not student:
                    self._rename_in(record, name)
        self.past_schools_of.setdefault(name, set()).update(self.past_schools_of.pop(old, ()))

    def _rename_in(self, record: Record, name: str) -> None:
        document = record.document()
        path = record.resource.key[-1].path
        document[path[0]][path[1]] = name
        self._unindex(record)
        record.key = (*record.key[:-1], name)
        record.body = encode(document)[1:-1]
        self._index(record)
        self.collections[record.resource.name].changed_members()
        if self.follower is not None:
            self.follower.saved(record)

    def delete(self, record: Record) -> None:
        """Removes a record and remembers that it was there. The caller has made sure that nothing depends on it."""
        collection = self.collections[record.resource.name]
        del collection.by_id[record.id]
        self._unindex(record)
        self._members_changed(record)
        deletion = Deletion(record.id, record.key, self._changed(), values_of(record))
        collection.deletions.append(deletion)
        if self.follower is not None:
            self.follower.deleted(record.resource.name, deletion)

    def recall(self, name: str, event: Deletion | KeyChange) -> None:
        """Takes in what a state file remembers of the past."""
        collection = self.collections[name]
        key = event.key if isinstance(event, Deletion) else event.old
        if isinstance(event, Deletion):
            collection.deletions.append(event)
        else:
            collection.key_changes.append(event)
        if name == "studentSchoolAssociations":
            self.past_schools_of.setdefault(str(key[-1]), set()).add(int(key[1]))

    def _note_key_change(self, record: Record, old_key: Key) -> None:
        collection = self.collections[record.resource.name]
        change = KeyChange(record.id, old_key, record.key, self._changed())
        collection.key_changes.append(change)
        collection.changed_members()
        if self.follower is not None:
            self.follower.key_changed(record.resource.name, change)

    # Book-keeping

    def _tick(self) -> int:
        now = _TICKS_AT_UNIX_EPOCH + time.time_ns() // 100
        self._last_ticks = max(now, self._last_ticks + 1)
        return self._last_ticks

    def _changed(self) -> int:
        self.revision += 1
        self.change_version += 1
        return self.change_version

    def _members_changed(self, record: Record) -> None:
        self.collections[record.resource.name].changed_members()
        if record.resource.base == "EducationOrganization":
            self.organization_revision += 1

    def _index(self, record: Record) -> None:
        resource, key = record.resource, record.key
        self.by_key[resource.entity][key] = record
        if resource.base:
            self.by_key[resource.base][key] = record
        for target in record.references:
            target.dependents[resource.entity] = target.dependents.get(resource.entity, 0) + 1
        if resource.is_descriptor:
            document = record.document()
            uri = f"{document['namespace']}#{document['codeValue']}"
            self.descriptors[resource.entity, uri.lower()] = (uri, record)
        self._index_student(record)

    def _index_student(self, record: Record) -> None:
        student = student_of(record)
        if student is None:
            return
        by_student = self.by_student.setdefault(record.resource.name, {})
        by_student.setdefault(student, {})[record.id] = record
        if record.resource.name == "studentSchoolAssociations":
            schools = self.schools_of.setdefault(student, {})
            school = int(record.key[1])
            schools[school] = schools.get(school, 0) + 1
            self.past_schools_of.setdefault(student, set()).add(school)

    def _unindex(self, record: Record) -> None:
        resource, key = record.resource, record.key
        del self.by_key[resource.entity][key]
        if resource.base:
            del self.by_key[resource.base][key]
        for target in record.references:
            _count_down(target.dependents, resource.entity)
        if resource.is_descriptor:
            self.descriptors.pop((resource.entity, "#".join(str(part) for part in key)), None)
        student = student_of(record)
        if student is not None:
            del self.by_student[resource.name][student][record.id]
            if resource.name == "studentSchoolAssociations":
                _count_down(self.schools_of[student], int(key[1]))


def student_of(record: Record) -> str | None:
    """The student that a record is about, if its natural key names one."""
    last = record.resource.key[-1]
    return str(record.key[-1]) if last.name == "studentUniqueId" else None


def values_of(record: Record) -> Key:
    """The natural key as the document writes it."""
    if not record.resource.is_descriptor:
        return record.key
    document = record.document()
    return tuple(document[part.name] for part in record.resource.key)


def _count_down(counts: dict[_T, int], name: _T) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]


def timestamp(ticks: int) -> str:
    """Ticks as the ODS writes `_lastModifiedDate`: up to seven fractional digits, trailing zeros dropped."""
    seconds, fraction = divmod(ticks - _TICKS_AT_UNIX_EPOCH, _TICKS_PER_SECOND)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    digits = f"{fraction:07d}".rstrip("0")
    return f"{text}.{digits}Z" if digits else f"{text}Z"
