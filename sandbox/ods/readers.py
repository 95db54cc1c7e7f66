"""One reader function a property: takes what a client sent, gives what is stored, and notes what is wrong.

The readers are compiled per dialect from the definitions; `validation` puts them together to whole documents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.properties import Property, column
from sandbox.ods.reading_notes import ABSENT, FoundReference, Reader, Reading, wrong_type_facts
from sandbox.ods.scalar_readers import (
    descriptor_reader,
    integer_reader,
    read_boolean,
    read_date,
    read_number,
    text_reader,
)

# Objects


class _Names:
    """The property names of an object. The ODS matches them in any case, the Data Management Service exactly."""

    def __init__(self, names: list[str], *, exact: bool) -> None:
        self._names = frozenset(names)
        self._by_lower_case = {} if exact else {name.lower(): name for name in names}

    def align(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The object with its known properties spelled as defined."""
        if raw.keys() <= self._names:
            return raw
        return {self._by_lower_case.get(name.lower(), name): value for name, value in raw.items()}


def object_reader(properties: tuple[Property, ...], dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    readers = [(prop.name, _reader(prop, dialect), _when_missing(prop, dialect)) for prop in properties]
    names = _Names([prop.name for prop in properties], exact=dialect.exact_names)

    def read(raw: Any, path: str, reading: Reading) -> Any:
        if not isinstance(raw, dict):
            reading.wrong(path, phrases.wrong_type.format(**wrong_type_facts(raw, "object", path, path)))
            return ABSENT
        raw = names.align(raw)
        document: dict[str, Any] = {}
        for name, reader, when_missing in readers:
            value = raw.get(name)
            if value is not None:
                value = reader(value, path, reading)
                if value is not ABSENT:
                    document[name] = value
                    continue
            if when_missing is not None:
                when_missing(document, path, reading)
        return document

    return read


def _when_missing(prop: Property, dialect: Dialect) -> Callable[[dict[str, Any], str, Reading], None] | None:
    """What to do about a property that isn't there: complain, store an empty collection, or nothing (None)."""
    messages = _complaints(prop, dialect)
    early = dialect.two_validations and prop.kind == "reference" and dialect.missing_references == "by reference"

    def complain(_document: dict[str, Any], path: str, reading: Reading) -> None:
        where = f"{path}.{prop.name}"
        if reading.has_problem_at(where):
            return
        for message in messages:
            if early:
                reading.early_problem(where, message)
            else:
                reading.problem(where, message)

    def store_empty(document: dict[str, Any], _path: str, _reading: Reading) -> None:
        document[prop.name] = []

    if prop.required:
        return complain
    return store_empty if prop.kind == "list" and dialect.empty_collections else None


def _complaints(prop: Property, dialect: Dialect) -> list[str]:
    """What is said of a required property that isn't there."""
    phrases = dialect.wording.phrases
    if prop.kind == "list" and phrases.pascal:
        return [phrases.no_items.format(name=phrases.name(prop))]
    if prop.kind == "reference" and dialect.missing_references == "by column":
        if prop.target == "Student":
            return [phrases.unresolved_person.format(person=prop.target)]
        names = [column(prop, field) + _suffix(field, dialect) for field in prop.fields]
        return [phrases.required.format(name=name) for name in names]
    return [phrases.required.format(name=phrases.name(prop) + _suffix(prop, dialect))]


def _suffix(prop: Property, dialect: Dialect) -> str:
    return dialect.wording.phrases.descriptor_suffix if prop.kind == "descriptor" else ""


def _reader(prop: Property, dialect: Dialect) -> Reader:
    match prop.kind:
        case "string":
            return text_reader(prop, dialect)
        case "date":
            return partial(read_date, prop, dialect.wording.phrases)
        case "boolean":
            return partial(read_boolean, prop, dialect.wording.phrases)
        case "integer" | "organization id":
            return integer_reader(prop, dialect)
        case "number":
            return partial(read_number, prop, dialect.wording.phrases)
        case "descriptor":
            return descriptor_reader(prop, dialect)
        case "reference":
            return _ReferenceReader(prop, dialect)
        case "object":
            return _inner_reader(prop, dialect)
        case "list":
            return _list_reader(prop, dialect)


# References


class _ReferenceReader:
    """Reads a reference: all parts of the key it names, or none."""

    def __init__(self, prop: Property, dialect: Dialect) -> None:
        self._prop = prop
        self._phrases = dialect.wording.phrases
        self._names = _Names([part.name for part in prop.fields], exact=dialect.exact_names)
        self._parts = [(part, _reader(_as_key_part(part, prop), dialect)) for part in prop.fields]
        self._refuses_partial = dialect.partial_references == "refused"
        self._early = dialect.two_validations

    def __call__(self, value: Any, path: str, reading: Reading) -> Any:
        where = f"{path}.{self._prop.name}"
        if not isinstance(value, dict):
            facts = wrong_type_facts(value, "object", self._phrases.name(self._prop), where)
            reading.wrong(where, self._phrases.wrong_type.format(**facts))
            return ABSENT
        value = self._names.align(value)
        parts = {}
        for part, reader in self._parts:
            given = value.get(part.name)
            given = ABSENT if given is None else reader(given, where, reading)
            if given is not ABSENT:
                parts[part.name] = given
        if len(parts) < len(self._parts):
            self._note_missing(parts, where, reading)
            return ABSENT
        reading.references.append(FoundReference(self._prop, where, tuple(parts.values()), parts))
        return parts

    def _note(self, reading: Reading, where: str, message: str) -> None:
        (reading.early_problem if self._early else reading.problem)(where, message)

    def _note_missing(self, parts: dict[str, Any], where: str, reading: Reading) -> None:
        """Parts that aren't there, unless a worse thing was already said about them."""
        if reading.has_problem_at(where):
            return
        missing = [self._phrases.name(part) for part, _ in self._parts if part.name not in parts]
        if not self._phrases.pascal:
            for name in missing:
                reading.problem(f"{where}.{name}", self._phrases.required.format(name=name))
        elif self._refuses_partial and parts:
            name = self._phrases.name(self._prop)
            message = self._phrases.partial_reference.format(name=name, missing=", ".join(missing))
            self._note(reading, where, message)


def _as_key_part(part: Property, reference: Property) -> Property:
    """A reference's texts are held to the rules of key texts where the reference is part of the key."""
    return replace(part, key=reference.key)


# Inner objects and collections


def _inner_reader(prop: Property, dialect: Dialect) -> Reader:
    read_object = object_reader(tuple(p for p in prop.fields if p.in_standard(dialect.data_standard)), dialect)

    def read(value: Any, path: str, reading: Reading) -> Any:
        return read_object(value, f"{path}.{prop.name}", reading)

    return read


def _list_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    name = phrases.name(prop)
    fields = tuple(p for p in prop.fields if p.in_standard(dialect.data_standard))
    read_item = object_reader(fields, dialect)
    identity = [part.name for part in fields if part.key]

    def identity_of(item: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(item.get(part)) for part in identity)

    def read(value: Any, path: str, reading: Reading) -> Any:
        where = f"{path}.{prop.name}"
        if not isinstance(value, list):
            reading.wrong(where, phrases.wrong_type.format(**wrong_type_facts(value, "array", name, where)))
            return ABSENT
        seen: dict[tuple[str, ...], dict[str, Any]] = {}
        for index, raw in enumerate(value):
            item = read_item(raw, f"{where}[{index}]", reading)
            if item is ABSENT:
                continue
            item_identity = identity_of(item)
            if item_identity in seen and "None" not in item_identity:
                facts = {"name": name, "index": index, "ordinal": ordinal(index + 1)}
                note = reading.early_problem if dialect.two_validations else reading.problem
                note(where, phrases.duplicate.format(**facts))
            seen[item_identity] = item
        if not value:
            return ABSENT
        return [seen[item_identity] for item_identity in sorted(seen)]

    return read


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th …"""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


# Filters


@cache
def filter_reader(prop: Property, dialect: Dialect) -> Reader:
    """Reads a query parameter as one of the resource's values; lengths play no part in a filter."""
    return _reader(replace(prop, required=False, key=False, max_length=2**16, min_length=None), dialect)
