"""Reads a document as its definition demands: types, lengths, required properties, descriptors, duplicates.

Each resource is compiled once per dialect into nested reader functions (`readers`); a request runs through them once
and gets a canonical document, its natural key, the references to resolve and every problem found on the way.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.readers import object_reader
from sandbox.ods.reading_notes import Reading, wrong_type_facts
from sandbox.ods.resources import Resource
from sandbox.ods.store import Key, Store

_UNIFIED = {
    "studentSchoolAssociations": {
        "schoolId": ("calendarReference", "schoolReference"),
        "schoolYear": ("calendarReference", "schoolYearTypeReference"),
    }
}
"""Key parts that references share: one column of the ODS table. No other resource here has any."""


class DocumentReader:
    """The compiled definition of one resource in one dialect."""

    def __init__(self, resource: Resource, dialect: Dialect) -> None:
        self._resource = resource
        self._phrases = dialect.wording.phrases
        self._read = object_reader(resource.properties_in(dialect.data_standard), dialect)
        self._descriptors_alone = dialect.descriptors == "alone"
        self._absent_person = dialect.absent_person
        self._key_paths = [part.path for part in resource.key]
        self._early = dialect.two_validations
        self._unified = _UNIFIED.get(resource.name, {})

    def read(self, raw: object, store: Store) -> Reading:
        """The document as stored and all that is wrong with it."""
        reading = Reading(store)
        root = self._phrases.root
        if not isinstance(raw, dict):
            reading.wrong(root, self._phrases.wrong_type.format(**wrong_type_facts(raw, "object", "", root)))
            return reading
        reading.document = self._read(raw, root, reading)
        reading.key = self._key_of(reading.document)
        for name, members in self._unified.items():
            self._check_unified(name, members, reading)
        return reading

    def refuse_unbound(self, reading: Reading, verb: str = "") -> None:
        """Failure if a document cannot be taken for the resource: wrong types, then what is looked at early.

        `verb`: `Post` or `Put`, by which the API calls the request's document in these messages.
        """
        if reading.binding:
            raise Failure(Kind.BINDING, problems=reading.binding)
        if reading.early:
            raise Failure(Kind.INVALID, entity=self._resource.entity + verb, problems=reading.early)
        if self._descriptors_alone and reading.unknown_descriptor:
            uri, descriptor = reading.unknown_descriptor
            raise Failure(Kind.UNKNOWN_DESCRIPTOR, uri=uri, descriptor=descriptor)

    def refuse_invalid(self, reading: Reading) -> None:
        """Failure if a required property is missing, a text too long, an item doubled …"""
        self._refuse_absent_person(reading)
        if reading.invalid:
            raise Failure(Kind.INVALID, entity=self._resource.entity, problems=reading.invalid)

    def _refuse_absent_person(self, reading: Reading) -> None:
        """Up to 7.1 a student is looked up before the entity is validated, so that an unknown one has no number."""
        if self._absent_person == "reference":
            return
        for reference in reading.references:
            entity = reference.prop.target
            if entity != "Student" or reading.store.find(entity, reference.key) is not None:
                continue
            if self._absent_person == "not found":
                raise Failure(Kind.NO_PERSON, person=entity)
            reading.problem(reference.path, self._phrases.unresolved_person.format(person=entity))

    def _key_of(self, document: dict[str, Any]) -> Key:
        """The natural key; empty when a part of it is missing."""
        values: list[str | int] = []
        try:
            for path in self._key_paths:
                value: Any = document
                for name in path:
                    value = value[name]
                values.append(value)
        except KeyError:
            return ()
        if self._resource.is_descriptor:
            return tuple(str(value).lower() for value in values)
        return tuple(values)

    def _check_unified(self, name: str, members: tuple[str, ...], reading: Reading) -> None:
        """A key part that two references share must have one value."""
        found = [reference for reference in reading.references if reference.prop.name in members]
        values = {str(reference.value[name]): None for reference in found}
        if len(values) < 2:
            return
        if self._early:
            pairs = sorted(f"{reference.prop.name}.{name} = {reference.value[name]}" for reference in found)
            words = self._phrases.inconsistent.format(name=name, entity=self._resource.entity, pairs=", ".join(pairs))
            reading.early_problem(found[0].path, words)
            return
        listed = ", ".join(f"'{value}'" for value in values)
        for reference in found:
            reading.problem(f"{reference.path}.{name}", self._phrases.conflicting.format(name=name, values=listed))


@cache
def document_reader(resource: Resource, dialect: Dialect) -> DocumentReader:
    return DocumentReader(resource, dialect)
