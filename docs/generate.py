"""Writes the pages that are made from the code, so that they can't lie: settings.md and ledger.md.

``make docs-generated`` writes them; a test fails where one is stale.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.ledger_words import COLUMNS, TABLES
from edfi_cte import settings
from edfi_cte.ledger.schema import metadata

HERE = Path(__file__).parent
MADE = "% Made from the code by: make docs-generated\n\n"


def pages() -> dict[str, str]:
    """The text of each generated page, by its name in docs/."""
    return {"settings.md": MADE + settings_page(), "ledger.md": MADE + ledger_page()}


def settings_page() -> str:
    """Every setting with its type, default, meaning and example."""
    lines = [_introduction("settings.head.md")]
    for heading, model in _models(settings.Settings, ""):
        lines += [f"## {heading or 'The file'}", "", _summary(model), ""]
        lines += ["| setting | type | default | meaning | example |", "|---|---|---|---|---|"]
        meanings = _meanings(model)
        for name, field in model.model_fields.items():
            lines.append(f"| `{name}` | {' | '.join(map(_cell, _described(field, meanings.get(name, ''))))} |")
        lines.append("")
    return "\n".join(lines)


def _described(field: FieldInfo, meaning: str) -> tuple[str, str, str, str]:
    """Type, default, meaning and example of a setting."""
    default, (meaning, example) = _default(field), example_of(meaning)
    nested = default == "required" and _inner(field.annotation) is not None
    return _type(field.annotation, field), default, meaning, example or ("see below" if nested else default)


def _models(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and those inside it, each with its path in the file."""
    yield path, model
    for name, field in model.model_fields.items():
        inner = settings.ResourcePreferences if name == "preferences" and not path else _inner(field.annotation)
        if inner is not None:
            mark = {"targets": "[]", "preferences": ".<name>"}.get(name, "") if not path else ""
            yield from _models(inner, f"{path}.{name}{mark}".lstrip("."))


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The settings model that a field holds, if it holds one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in typing.get_args(annotation):
        if (found := _inner(part)) is not None:
            return found
    return None


def _summary(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split())


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field, by the field's name."""
    meanings: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        body = typing.cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]).body
        for field, below in itertools.pairwise(body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    meanings[name] = " ".join(text.split())
    return meanings


def example_of(meaning: str) -> tuple[str, str]:
    """A meaning without its example, and the example as code; empty where it has none: then the default is one."""
    found = re.search(r" ?Example: ``(.+?)``\.?", meaning)
    return (meaning.replace(found[0], ""), f"`{found[1]}`") if found else (meaning, "")


def _type(annotation: Any, field: FieldInfo | None = None) -> str:
    """A type in words a reader of YAML knows."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(args[0])
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(arg) for arg in args)
    if origin in (tuple, list):
        return "list, see below" if _inner(args[0]) else f"list of {_type(args[0])}"
    if origin is dict:
        return f"map of {_type(args[0])} to {_type(args[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "see below"
    names = {str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null", Path: "path"}
    return names.get(annotation, "any") + (_bounds(field) if field else "")


def _bounds(field: FieldInfo) -> str:
    words = {Ge: "at least", Gt: "more than", Le: "at most", Lt: "less than"}
    said = [
        f"{words[type(part)]} {next(iter(vars(part).values())) if hasattr(part, '__dict__') else _limit(part)}"
        for part in field.metadata
        if type(part) in words
    ]
    return f", {', '.join(said)}" if said else ""


def _limit(part: Any) -> Any:
    return getattr(part, type(part).__name__.lower())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    return f"`{json.dumps(value, default=str, ensure_ascii=False)}`"


def ledger_page() -> str:
    """Every table of the ledger with its columns."""
    lines = [_introduction("ledger.head.md")]
    for table in metadata.sorted_tables:
        lines += [f"## {table.name}", "", str(table.info.get("doc") or TABLES.get(table.name, "")), ""]
        lines += ["| column | type | | meaning |", "|---|---|---|---|"]
        for column in table.columns:
            key = "key" if column.primary_key else ("" if column.nullable else "not null")
            lines.append(f"| `{column.name}` | {_sql_type(column)} | {key} | {_meaning(column)} |")
        lines.append("")
    return "\n".join(lines)


def _meaning(column: sa.Column[Any]) -> str:
    return _cell(column.doc or COLUMNS.get(column.name, ""))


def _sql_type(column: sa.Column[Any]) -> str:
    length = getattr(column.type, "length", None)
    names = {"Unicode": "text", "UnicodeText": "long text", "DateTime": "time (UTC)", "BigInteger": "big integer"}
    name = type(column.type).__name__
    return names.get(name, name.lower()) + (f", {length}" if length else "")


def _introduction(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


if __name__ == "__main__":
    for page, text in pages().items():
        (HERE / page).write_text(text, encoding="utf-8")
