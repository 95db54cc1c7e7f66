"""Readers of single values: texts, dates, booleans, numbers, descriptors."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.properties import Property
from sandbox.ods.reading_notes import ABSENT, Reader, Reading, wrong_type_facts
from sandbox.ods.wording import Phrases

# Text


def _dangerous(text: str) -> bool:
    """What .NET takes for markup: `<` before a letter or `!/?`, `&` before `#` (CrossSiteScriptingValidation)."""
    return _MARKUP.search(text) is not None


_MARKUP = re.compile(r"<[A-Za-z!/?]|&#")


def text_reader(prop: Property, dialect: Dialect) -> Reader:
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
        if dangerous and ("<" in value or "&" in value) and _dangerous(value):
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


def read_date(prop: Property, phrases: Phrases, value: Any, path: str, reading: Reading) -> Any:
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


def read_boolean(prop: Property, phrases: Phrases, value: Any, path: str, reading: Reading) -> Any:
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


def integer_reader(prop: Property, dialect: Dialect) -> Reader:
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


def read_number(prop: Property, phrases: Phrases, value: Any, path: str, reading: Reading) -> Any:
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


def descriptor_reader(prop: Property, dialect: Dialect) -> Reader:
    phrases = dialect.wording.phrases
    name = phrases.name(prop)
    kind = prop.descriptor
    told_apart = dialect.descriptors == "with references"

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
        message = words.format(descriptor=kind, uri=shown, name=name)
        if told_apart:
            reading.unknown_descriptor_at(where, message)
        else:
            reading.problem(where, message)
        return ABSENT

    return read
