"""Which tables and columns the mapping template names, and which of them a database lacks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

MAPPING_TEMPLATE = "campus_mapping.sql"

_COMMENT_OR_LITERAL = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_NAME = r"(?:\[[^\]\n]+\]|\"[^\"\n]+\"|[^\W\d]\w*)"
_TABLE = re.compile(rf"\b(?:FROM|JOIN)\s+((?:{_NAME}\s*\.\s*)*{_NAME})\s+(?:AS\s+)?({_NAME})", re.IGNORECASE)
_COLUMN = re.compile(rf"(?<![\w.\]\"])({_NAME})\s*\.\s*({_NAME})(?!\w|\s*[.(])")
_COMMON_TABLE = re.compile(rf"(?:^|,)\s*({_NAME})\s+AS\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """A column that the mapping template reads. ``place`` is what stands before the table's name, as written."""

    line: int
    place: tuple[str, ...]
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class MissingColumn:
    """A column, or with ``column`` None a whole table, that the mapping names and the database lacks."""

    template: str
    line: int
    table: str
    column: str | None

    def __str__(self) -> str:
        what = f"column {self.table}.{self.column}" if self.column else f"table or view {self.table}"
        return (
            f"{self.template}, line {self.line}: this Campus has no {what}, or its login may not see it. Write the "
            "name that your Campus uses (in your own copy of the file: setting sql_dir), or grant the login SELECT."
        )


@dataclass(frozen=True, slots=True)
class NoTableAtAll(MissingColumn):
    """Not one of the mapping's tables is there: another database, another schema, or a login without rights."""

    where: str = ""

    def __str__(self) -> str:
        return (
            f"{self.where}: none of the tables that {self.template} names is there, or its login may see none "
            f"(such as {self.table}). Correct the connection's schema (the database), or the schema before the names "
            "in your own copy of the file, or grant the login SELECT: see docs/campus-sql-server.md."
        )


def named_columns(text: str) -> list[NamedColumn]:
    """Every ``alias.column`` of a rendered mapping template whose alias stands for a table, with its line."""
    text = _COMMENT_OR_LITERAL.sub(_blank, text)
    starts = [match.start() for match in _COMMON_TABLE.finditer(text)] + [len(text)]
    common_tables = {_bare(match.group(1)).casefold() for match in _COMMON_TABLE.finditer(text)}
    found = []
    for start, end in itertools.pairwise(starts):
        tables = _tables(text[start:end], common_tables)
        for match in _COLUMN.finditer(text, start, end):
            table = tables.get(_bare(match.group(1)).casefold())
            if table:
                line = text.count("\n", 0, match.start(2)) + 1
                found.append(NamedColumn(line, table[:-1], table[-1], _bare(match.group(2))))
    return found


def missing_columns(
    named: Iterable[NamedColumn], present: set[tuple[str, str, str]], template: str
) -> list[MissingColumn]:
    """What ``named`` has and ``present`` lacks; ``present`` holds (place, table, column), each in lower case.

    A place is everything before the table's name, joined by dots: ``dbo``, ``campus.dbo`` or nothing at all.
    """
    tables = {(place, table) for place, table, _ in present}
    missing: dict[tuple[str, str | None], MissingColumn] = {}
    for name in named:
        key = (".".join(name.place).casefold(), name.table.casefold())
        if (*key, name.column.casefold()) in present:
            continue
        column = name.column if key in tables else None
        table = ".".join((*name.place, name.table))
        missing.setdefault((table, column), MissingColumn(template, name.line, table, column))
    return list(missing.values())


def _tables(text: str, common_tables: set[str]) -> dict[str, tuple[str, ...]]:
    """Alias (lower case) to the parts of the table's name, of one common table expression."""
    tables = {}
    for match in _TABLE.finditer(text):
        parts = tuple(_bare(part) for part in re.findall(_NAME, match.group(1)))
        if len(parts) > 1 or parts[0].casefold() not in common_tables:
            tables[_bare(match.group(2)).casefold()] = parts
    return tables


def _bare(name: str) -> str:
    return name.strip('[]"')


def _blank(match: re.Match[str]) -> str:
    """The same number of characters and lines, with nothing in them."""
    return re.sub(r"[^\n]", " ", match.group())
