"""The SQL templates: found, and rendered with bound parameters for the driver at hand."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from edfi_cte.associations.model import FLAG_RULES, MAPPED_FIELDS, OPTIONAL_RULES
from edfi_cte.campus.errors import InvalidTemplate
from edfi_cte.campus.mapping import MAPPING_TEMPLATE
from edfi_cte.utf8 import not_utf8

Value = str | int

_MARK = "\ufdd0"  # a Unicode noncharacter: stands for a parameter until the text is complete

_LINE = "\ufdd1"  # another: stands before and after the number of a line of the mapping template

_TAKEN_FOR_A_PARAMETER = re.compile(r"%[sd(]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement in the driver's own style, with its parameters in the order of their markers."""

    text: str
    parameters: tuple[Value, ...]


def shipped_sql_dir() -> Path:
    """The templates that come with the package: in its wheel, or in ``include/sql`` beside the plugins folder."""
    package = Path(__file__).resolve().parents[1]
    folders = (package / "sql", package.parents[1] / "include" / "sql")
    for folder in folders:
        if (folder / MAPPING_TEMPLATE).is_file():
            return folder
    raise InvalidTemplate(
        f"The SQL templates are missing: neither {folders[0]} nor {folders[1]} holds {MAPPING_TEMPLATE}. Install the "
        "wheel, or copy the folder include/sql beside the plugins folder."
    )


PARTS: Mapping[str, str] = {
    "career_technical_fields": "enrollment_mo",
    "programs": "none",
    "certifications": "none",
    "school_number": "number",
}
"""The parts of the mapping template that a setting chooses, with what is taken where it does not."""


def rules(optional: Collection[str] = ()) -> list[str]:
    """The rules that are a flag in Campus, in the order in which they exclude; ``optional`` ones come last."""
    return [str(rule) for rule in (*FLAG_RULES, *OPTIONAL_RULES) if rule in (*FLAG_RULES, *optional)]


class _Utf8(jinja2.FileSystemLoader):
    """Names a file that can't be read or is saved otherwise, and its line."""

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        try:
            found = super().get_source(environment, template)
        except UnicodeDecodeError as error:
            raise InvalidTemplate(f"{template}, {not_utf8(error.object)}") from None
        except OSError as error:
            raise InvalidTemplate(f"{template}: the file can't be read: {error.strerror}.") from None
        if why := not_utf8(found[0].encode()):
            raise InvalidTemplate(f"{template}, {why}")
        return found


@functools.cache
def _environment(folders: tuple[Path, ...], unicode_type: str) -> jinja2.Environment:
    """One for a process, so that a template is compiled once; a file that changes is read again."""
    environment = jinja2.Environment(  # noqa: S701 - the output is SQL, values are bound parameters
        loader=_Utf8(folders, encoding="utf-8-sig"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.globals |= {
        "unicode_type": unicode_type,
        "mapped_fields": list(MAPPED_FIELDS),
        "exclude_also": [],
        "rules": rules(),
        "parts": PARTS,
    }
    return environment


class Templates:
    """Renders templates for one driver.

    ``placeholder`` is the hook's: ``"%s"`` or ``"?"``. ``unicode_type`` is the database's name of a type for Unicode
    text of a given length. A template missing from ``sql_dir`` is the shipped one.
    """

    def __init__(self, sql_dir: Path | None, placeholder: str, unicode_type: str = "nvarchar") -> None:
        if sql_dir is not None and not sql_dir.is_dir():
            raise InvalidTemplate(f"sql_dir: there is no folder {sql_dir}")
        folders = [folder for folder in (sql_dir, shipped_sql_dir()) if folder]
        self._placeholder = placeholder
        self._environment = _environment(tuple(folders), unicode_type)

    def render(
        self, name: str, values: Mapping[str, Value] | None = None, /, **identifiers: str | Sequence[str]
    ) -> Statement:
        """The statement of template ``name``.

        ``values`` are what ``{{ param('…') }}`` may bind; they never become part of the text. ``identifiers`` do, so
        the caller passes validated names only. Raises :class:`InvalidTemplate`.
        """
        bound: list[Value] = []

        def param(key: str) -> str:
            bound.append((values or {})[key])
            return _MARK

        try:
            text = self._environment.get_template(name).render(param=param, **identifiers)
        except KeyError as error:
            raise InvalidTemplate(f"{name}: there is no parameter {error}") from None
        except jinja2.TemplateError as error:
            raise InvalidTemplate(_explain(name, error)) from None
        if self._placeholder == "%s" and (literal := _TAKEN_FOR_A_PARAMETER.search(text)):
            place = text[max(0, literal.start() - 30) : literal.end() + 10]
            raise InvalidTemplate(
                f"{name}: the SQL Server driver takes the {literal.group()} in the text for a parameter and knows no "
                f"escape. Write '%' + '{literal.group()[1:]}…' in its place, or other words in a comment. It stands "
                f"in {name} or a template that it includes: {place!r}"
            )
        return Statement(text.replace(_MARK, self._placeholder), tuple(bound))

    def mapping(self, **identifiers: Any) -> str:
        """The mapping template, rendered, its lines where they are in the file."""
        source, _, _ = self._environment.loader.get_source(self._environment, MAPPING_TEMPLATE)  # type: ignore[union-attr]
        source = re.sub(r"\{#.*?#\}", lambda comment: "\n" * comment.group().count("\n"), source, flags=re.DOTALL)
        # Each line bears its number through the rendering, which may leave lines out.
        lines = source.split("\n")
        numbered = "\n".join(f"{line}{_LINE}{number}{_LINE}" for number, line in enumerate(lines))
        try:
            pieces = _compiled(self._environment, numbered).render(**identifiers).split(_LINE)
        except jinja2.TemplateError as error:
            raise InvalidTemplate(_explain(MAPPING_TEMPLATE, error)) from None
        found = [""] * len(lines)
        for text, number in zip(pieces[::2], pieces[1::2], strict=False):
            found[int(number)] += text.strip("\n")
        return "\n".join(found)


@functools.lru_cache(maxsize=16)
def _compiled(environment: jinja2.Environment, text: str) -> jinja2.Template:
    """jinja keeps compiled what it loads by name only."""
    return environment.from_string(text)


def _explain(name: str, error: jinja2.TemplateError) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"{name}: there is no template {error.name}"
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.name or name}, line {error.lineno}: {error.message}"
    return f"{name}: {error.message}"
