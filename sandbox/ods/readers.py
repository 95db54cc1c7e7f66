"""One reader function a property: takes what a client sent, gives what is stored, and notes what is wrong.

The readers are compiled per dialect from the definitions; `validation` puts them together to whole documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Problems
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

    def has_problem_at(self, path: str) -> bool:
        """Something was already said about a property or a part of it."""
        return any(known.startswith(path) for known in (*self.binding, *self.invalid))


Reader = Callable[[Any, str, Reading], Any]
"""(value, path of the object it is in, reading) to the canonical value, or ABSENT."""


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
    phrases = dialect.wording.phrases
    words = phrases.no_items if prop.kind == "list" and phrases.pascal else phrases.required
    message = words.format(name=phrases.name(prop))

    def complain(_document: dict[str, Any], path: str, reading: Reading) -> None:
        where = f"{path}.{prop.name}"
        if not reading.has_problem_at(where):
            reading.problem(where, message)

    def store_empty(document: dict[str, Any], _path: str, _reading: Reading) -> None:
        document[prop.name] = []

    if prop.required:
        return complain
    return store_empty if prop.kind == "list" and dialect.empty_collections else None


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
            return _ReferenceReader(prop, dialect)
        case "object":
            return _inner_reader(prop, dialect)
        case "list":
            return _list_reader(prop, dialect)


def wrong_type_facts(value: object, expected: str, name: str, path: str) -> dict[str, object]:
    """The facts of a type error, for `Phrases.wrong_type` and its like."""
    shown = value if isinstance(value, str | int | float) else _json_type(value)
    below_root = path.partition(".")[2]
    return {"found": _json_type(value), "expected": expected, "value": shown, "name": name, "path": below_root}


def _json_type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


# Text


def _dangerous(text: str) -> bool:
    """What .NET takes for markup: `<` before a letter or `!/?`, `&` before `#` (CrossSiteScriptingValidation)."""
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
                facts = wrong_type_facts(value, "string", name, f"{path}.{prop.name}")
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
    reading.wrong(where, phrases.wrong_date.format(**wrong_type_facts(value, "date", phrases.name(prop), where)))
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
    reading.wrong(where, phrases.wrong_type.format(**wrong_type_facts(value, "boolean", phrases.name(prop), where)))
    return ABSENT


_BOOLEANS = {"true": True, "false": False}


def _integer_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    wide = prop.kind == "organization id" and dialect.data_standard >= (5, 0)
    limit = 2**63 if wide else 2**31
    type_name = "System.Int64" if wide else "System.Int32"
    zero = phrases.zero.format(name=phrases.name(prop))

    def read(value: Any, path: str, reading: Reading) -> Any:
        number = value if type(value) is int else _whole(value)
        if number is None or not -limit <= number < limit:
            where = f"{path}.{prop.name}"
            facts = wrong_type_facts(value, "integer", phrases.name(prop), where)
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
        reading.wrong(
            where, phrases.wrong_type.format(**wrong_type_facts(value, "number", phrases.name(prop), where))
        )
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
            reading.wrong(where, phrases.wrong_type.format(**wrong_type_facts(value, "string", name, where)))
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


class _ReferenceReader:
    """Reads a reference: all parts of the key it names, or none."""

    def __init__(self, prop: Property, dialect: Dialect) -> None:
        self._prop = prop
        self._phrases = dialect.wording.phrases
        self._names = _Names([part.name for part in prop.fields], exact=dialect.exact_names)
        self._parts = [(part, _reader(_as_key_part(part, prop), dialect)) for part in prop.fields]
        self._refuses_partial = dialect.partial_references == "refused"

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
            reading.problem(where, message)


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
    """Reads a query parameter as one of the resource's values; lengths play no part in a filter."""
    return _reader(replace(prop, required=False, key=False, max_length=2**16, min_length=None), dialect)
