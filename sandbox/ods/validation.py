"""Reads a document as its definition demands: types, lengths, required properties, descriptors, duplicates.

Each resource is compiled once per dialect into nested reader functions; a request runs through them once and gets a
canonical document, its natural key, the references to resolve and every problem found on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from typing import Any

from sandbox.ods.definitions import Resource
from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind, Problems
from sandbox.ods.properties import Property
from sandbox.ods.store import Key, Record, Store
from sandbox.ods.wording import Phrases

ABSENT: Any = object()
"""What a reader returns when there is nothing (left) to store."""


@dataclass(slots=True)
class FoundReference:
    """A reference as read: where it stands, the key it names, and its part of the document."""

    prop: Property
    path: str
    key: Key
    value: dict[str, Any]


@dataclass(slots=True)
class Reading:
    """What reading one document turned up. `binding`: wrong types; `invalid`: everything else."""

    store: Store
    binding: Problems = field(default_factory=dict)
    invalid: Problems = field(default_factory=dict)
    unknown_descriptor: tuple[str, str] | None = None
    references: list[FoundReference] = field(default_factory=list)
    descriptors: list[Record] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    key: Key = ()

    def wrong(self, path: str, message: str) -> None:
        self.binding.setdefault(path, []).append(message)

    def problem(self, path: str, message: str) -> None:
        self.invalid.setdefault(path, []).append(message)


Reader = Callable[[Any, str, Reading], Any]
"""(value, path of the object it is in, reading) to the canonical value, or ABSENT."""


class DocumentReader:
    """The compiled definition of one resource in one dialect."""

    def __init__(self, resource: Resource, dialect: Dialect) -> None:
        self._resource = resource
        self._phrases = dialect.wording.phrases
        self._read = _object_reader(resource.properties_in(dialect.data_standard), dialect)
        self._descriptors_first = dialect.descriptors_first
        self._key_paths = [part.path for part in resource.key]
        self._unified_names = _unified_names(resource, dialect)

    def read(self, raw: object, store: Store) -> Reading:
        """The document as stored and all that is wrong with it."""
        reading = Reading(store)
        root = self._phrases.root
        if not isinstance(raw, dict):
            reading.wrong(root, self._phrases.wrong_type.format(**_wrong(raw, "object", "", root)))
            return reading
        reading.document = self._read(raw, root, reading)
        reading.key = self._key_of(reading.document)
        for name in self._unified_names:
            self._check_unified(name, reading)
        return reading

    def refuse_wrong_types(self, reading: Reading) -> None:
        """Failure if the document cannot be bound to the resource, or (up to 7.1) names an unknown descriptor."""
        if reading.binding:
            raise Failure(Kind.BINDING, problems=reading.binding)
        if self._descriptors_first and reading.unknown_descriptor:
            uri, descriptor = reading.unknown_descriptor
            raise Failure(Kind.UNKNOWN_DESCRIPTOR, uri=uri, descriptor=descriptor)

    def refuse_invalid(self, reading: Reading) -> None:
        """Failure if a required property is missing, a text too long, an item doubled …"""
        if reading.invalid:
            raise Failure(Kind.INVALID, entity=self._resource.entity, problems=reading.invalid)

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

    def _check_unified(self, name: str, reading: Reading) -> None:
        """A key part that two references share must have one value (ODS 7.2+, 'All values supplied for …')."""
        found = [reference for reference in reading.references if name in reference.value]
        values = {str(reference.value[name]): None for reference in found}
        if len(values) > 1:
            listed = ", ".join(f"'{value}'" for value in values)
            for reference in found:
                message = self._phrases.conflicting.format(name=name, values=listed)
                reading.problem(f"{reference.path}.{name}", message)


@cache
def document_reader(resource: Resource, dialect: Dialect) -> DocumentReader:
    return DocumentReader(resource, dialect)


def _unified_names(resource: Resource, dialect: Dialect) -> tuple[str, ...]:
    """studentSchoolAssociation's school and calendar share `schoolId`; no other resource here unifies a key part."""
    if dialect.descriptors_first or resource.name != "studentSchoolAssociations":
        return ()
    return ("schoolId",)


# Objects


def _object_reader(properties: tuple[Property, ...], dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    readers = [(prop.name, _reader(prop, dialect), _when_missing(prop, dialect)) for prop in properties]
    names = {name for name, _, _ in readers}
    by_lower_case = {name.lower(): name for name in names}

    def read(raw: dict[str, Any], path: str, reading: Reading) -> dict[str, Any]:
        if not dialect.exact_names and not raw.keys() <= names:
            raw = {by_lower_case.get(name.lower(), name): value for name, value in raw.items()}
        document = {}
        for name, reader, when_missing in readers:
            value = raw.get(name)
            value = ABSENT if value is None else reader(value, path, reading)
            if value is ABSENT:
                value = when_missing(path, reading)
                if value is ABSENT:
                    continue
            document[name] = value
        return document

    def read_any(raw: Any, path: str, reading: Reading) -> Any:
        if not isinstance(raw, dict):
            reading.wrong(path, phrases.wrong_type.format(**_wrong(raw, "object", path, path)))
            return ABSENT
        return read(raw, path, reading)

    return read_any


def _when_missing(prop: Property, dialect: Dialect) -> Callable[[str, Reading], Any]:
    """What to do about a property that isn't there: complain, store an empty collection, or nothing."""
    phrases = dialect.wording.phrases
    name = phrases.name(prop)
    if prop.required:
        words = phrases.no_items if prop.kind == "list" and phrases.pascal else phrases.required
        message = words.format(name=name)

        def complain(path: str, reading: Reading) -> Any:
            where = f"{path}.{prop.name}"
            if where not in reading.binding and where not in reading.invalid:
                reading.problem(where, message)
            return ABSENT

        return complain
    if prop.kind == "list" and dialect.empty_collections:
        return lambda path, reading: []
    return lambda path, reading: ABSENT


def _reader(prop: Property, dialect: Dialect) -> Reader:
    match prop.kind:
        case "string":
            return _text_reader(prop, dialect)
        case "date":
            return partial(_read_date, prop, dialect.wording.phrases)
        case "boolean":
            return partial(_read_boolean, prop, dialect.wording.phrases)
        case "integer" | "organization id":
            return _integer_reader(prop, dialect)
        case "number":
            return partial(_read_number, prop, dialect.wording.phrases)
        case "descriptor":
            return _descriptor_reader(prop, dialect)
        case "reference":
            return _reference_reader(prop, dialect)
        case "object":
            return _inner_reader(prop, dialect)
        case "list":
            return _list_reader(prop, dialect)


def _wrong(value: object, expected: str, name: str, path: str) -> dict[str, object]:
    """The facts of a type error, for `Phrases.wrong_type` and its like."""
    shown = value if isinstance(value, str | int | float) else _json_type(value)
    return {"found": _json_type(value), "expected": expected, "value": shown, "name": name, "path": path[2:]}


def _json_type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


# Text


def _dangerous(text: str) -> bool:
    """What .NET's request validation takes for markup: `<` before a letter or `!/?`, `&#` (CrossSiteScriptingValidation)."""
    return _MARKUP.search(text) is not None


_MARKUP = re.compile(r"<[A-Za-z!/?]|&#")


def _text_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    name = phrases.name(prop)
    longest = prop.max_length or 0
    shortest = prop.min_length or 1
    if prop.min_length is None:
        too_long = phrases.too_long.format(name=name, maximum=longest)
    else:
        too_long = phrases.length.format(name=name, minimum=shortest, maximum=longest)
    empty = phrases.empty.format(name=name)
    spaces = phrases.spaces.format(name=name)
    dangerous = phrases.dangerous.format(name=name)

    def read(value: Any, path: str, reading: Reading) -> Any:
        if type(value) is not str:
            coerced = ABSENT if dialect.exact_names else _coerce_to_text(value)
            if coerced is ABSENT:
                facts = _wrong(value, "string", name, f"{path}.{prop.name}")
                reading.wrong(f"{path}.{prop.name}", phrases.wrong_type.format(**facts))
                return ABSENT
            value = coerced
        length = len(value)
        if length == 0 or (prop.required and not value.strip()):
            if prop.required:
                reading.problem(f"{path}.{prop.name}", empty)
                return ABSENT
        elif not shortest <= length <= longest:
            reading.problem(f"{path}.{prop.name}", too_long)
        if prop.key and length and (value[0].isspace() or value[-1].isspace()):
            reading.problem(f"{path}.{prop.name}", spaces)
        if ("<" in value or "&" in value) and _dangerous(value):
            reading.problem(f"{path}.{prop.name}", dangerous)
        return value

    return read


def _coerce_to_text(value: object) -> Any:
    """Json.NET reads numbers and booleans into strings."""
    if isinstance(value, bool):
        return "True" if value else "False"
    return str(value) if isinstance(value, int | float) else ABSENT


# Dates, booleans, numbers

_SLASH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def _read_date(prop: Property, phrases: Phrases, value: Any, path: str, reading: Reading) -> Any:
    if type(value) is str:
        if len(value) == 10 and value[4] == "-" == value[7] and _is_date(value):
            return value
        if not value and phrases.pascal:
            return ABSENT
        slashed = _SLASH_DATE.fullmatch(value)
        if slashed:
            month, day, year = slashed.groups()
            iso = f"{year}-{int(month):02d}-{int(day):02d}"
            if _is_date(iso):
                return iso
    where = f"{path}.{prop.name}"
    reading.wrong(where, phrases.wrong_date.format(**_wrong(value, "date", phrases.name(prop), where)))
    return ABSENT


@cache
def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return text.isascii()


def _read_boolean(prop: Property, phrases: Phrases, value: Any, path: str, reading: Reading) -> Any:
    if value is True or value is False:
        return value
    if isinstance(value, str) and value.strip().lower() in _BOOLEANS:
        return _BOOLEANS[value.strip().lower()]
    if isinstance(value, int | float) and phrases.pascal:
        return value != 0
    if not phrases.pascal and value == "1":
        return True
    where = f"{path}.{prop.name}"
    reading.wrong(where, phrases.wrong_type.format(**_wrong(value, "boolean", phrases.name(prop), where)))
    return ABSENT


_BOOLEANS = {"true": True, "false": False}


def _integer_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    wide = prop.kind == "organization id" and dialect.data_standard >= (5, 0)
    limit = 2**63 if wide else 2**31
    type_name = "System.Int64" if wide else "System.Int32"
    zero = phrases.zero.format(name=phrases.name(prop))

    def read(value: Any, path: str, reading: Reading) -> Any:
        if type(value) is not int:
            number = _whole(value)
        else:
            number = value
        if number is None or not -limit <= number < limit:
            where = f"{path}.{prop.name}"
            facts = _wrong(value, "integer", phrases.name(prop), where)
            reading.wrong(where, phrases.wrong_integer.format(**facts, type=type_name))
            return ABSENT
        if number == 0 and prop.required and phrases.pascal:
            reading.problem(f"{path}.{prop.name}", zero)
        return number

    return read


def _whole(value: object) -> int | None:
    """Json.NET reads whole numbers out of strings and of floats without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", value):
        return int(value)
    return None


def _read_number(prop: Property, phrases: Phrases, value: Any, path: str, reading: Reading) -> Any:
    where = f"{path}.{prop.name}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        try:
            value = float(value) if isinstance(value, str) and value.isascii() else None
        except ValueError:
            value = None
    if value is None or value != value or abs(value) == float("inf"):
        reading.wrong(where, phrases.wrong_type.format(**_wrong(value, "number", phrases.name(prop), where)))
        return ABSENT
    if prop.minimum is not None and value < prop.minimum:
        name = phrases.name(prop)
        reading.problem(where, phrases.number_range.format(name=name, minimum=prop.minimum, maximum=prop.maximum))
    return value


# Descriptors


def _descriptor_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    name = phrases.name(prop)
    kind = prop.descriptor

    def read(value: Any, path: str, reading: Reading) -> Any:
        where = f"{path}.{prop.name}"
        if type(value) is not str:
            reading.wrong(where, phrases.wrong_type.format(**_wrong(value, "string", name, where)))
            return ABSENT
        if not value:
            if prop.required:
                reading.problem(where, phrases.empty.format(name=name))
            return ABSENT
        known = reading.store.descriptors.get((kind, value.lower()))
        if known is not None:
            reading.descriptors.append(known[1])
            return known[0]
        if reading.unknown_descriptor is None:
            reading.unknown_descriptor = (value, kind)
        words = phrases.unknown_descriptor if "#" in value else phrases.malformed_descriptor
        shown = value if phrases.pascal else value.lower()
        reading.problem(where, words.format(descriptor=kind, uri=shown, name=name))
        return ABSENT

    return read


# References


def _reference_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    name = phrases.name(prop)
    checked = tuple(_as_key_part(part, prop) for part in prop.fields)
    readers = [(part.name, _reader(part, dialect)) for part in checked]
    names = {part.name for part in prop.fields}
    by_lower_case = {part.lower(): part for part in names}
    labels = {part.name: phrases.name(part) for part in prop.fields}

    def missing_parts(absent: list[str], path: str, reading: Reading) -> Any:
        where = f"{path}.{prop.name}"
        if reading.binding or any(problem.startswith(where) for problem in reading.invalid):
            return ABSENT
        if not phrases.pascal:
            for part in absent:
                reading.problem(f"{where}.{part}", phrases.required.format(name=part))
        elif dialect.partial_references == "refused" and len(absent) < len(readers):
            listed = ", ".join(labels[part] for part in absent)
            reading.problem(where, phrases.partial_reference.format(name=name, missing=listed))
        return ABSENT

    def read(value: Any, path: str, reading: Reading) -> Any:
        where = f"{path}.{prop.name}"
        if not isinstance(value, dict):
            reading.wrong(where, phrases.wrong_type.format(**_wrong(value, "object", name, where)))
            return ABSENT
        if not dialect.exact_names and not value.keys() <= names:
            value = {by_lower_case.get(part.lower(), part): parts for part, parts in value.items()}
        parts = {}
        absent = []
        for part, reader in readers:
            given = value.get(part)
            given = ABSENT if given is None else reader(given, where, reading)
            if given is ABSENT:
                absent.append(part)
            else:
                parts[part] = given
        if absent:
            return missing_parts(absent, path, reading)
        reading.references.append(FoundReference(prop, where, tuple(parts.values()), parts))
        return parts

    return read


def _as_key_part(part: Property, reference: Property) -> Property:
    """A reference's texts are held to the rules of key texts where the reference is part of the key."""
    return replace(part, key=reference.key)


# Inner objects and collections


def _inner_reader(prop: Property, dialect: Dialect) -> Reader:
    read_object = _object_reader(tuple(p for p in prop.fields if p.in_standard(dialect.data_standard)), dialect)

    def read(value: Any, path: str, reading: Reading) -> Any:
        return read_object(value, f"{path}.{prop.name}", reading)

    return read


def _list_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    name = phrases.name(prop)
    fields = tuple(p for p in prop.fields if p.in_standard(dialect.data_standard))
    read_item = _object_reader(fields, dialect)
    identity = [part.name for part in fields if part.key]

    def identity_of(item: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(item.get(part)) for part in identity)

    def read(value: Any, path: str, reading: Reading) -> Any:
        where = f"{path}.{prop.name}"
        if not isinstance(value, list):
            reading.wrong(where, phrases.wrong_type.format(**_wrong(value, "array", name, where)))
            return ABSENT
        seen: dict[tuple[str, ...], dict[str, Any]] = {}
        for index, raw in enumerate(value):
            item = read_item(raw, f"{where}[{index}]", reading)
            if item is ABSENT:
                continue
            item_identity = identity_of(item)
            if item_identity in seen and "None" not in item_identity:
                facts = {"name": name, "index": index, "ordinal": ordinal(index + 1)}
                reading.problem(where, phrases.duplicate.format(**facts))
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
    """Reads a query parameter as one of the resource's values; lengths and required values play no part in a filter."""
    return _reader(replace(prop, required=False, key=False, max_length=2**16, min_length=None), dialect)
