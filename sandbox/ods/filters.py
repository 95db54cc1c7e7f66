"""What a collection can be filtered by, and the test that each filter is.

Names are those of the published documents: the natural key, flat; the resource's own scalar properties; the keys of
its other references, with their role before them (`parentLocalEducationAgencyId`, `graduationSchoolYear`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.documents import internal_id
from sandbox.ods.properties import Property, pascal
from sandbox.ods.resources import Resource
from sandbox.ods.store import Record

Test = Callable[[Record], bool]
_SCALARS = frozenset({"string", "integer", "organization id", "number", "boolean", "date", "descriptor"})


@dataclass(frozen=True)
class Filter:
    """One filter. `paths`: where its value stands; one that is shared by two references has two of them."""

    name: str
    prop: Property
    paths: tuple[tuple[str, ...], ...]
    key_index: int | None = None

    def test(self, resource: Resource, value: Any) -> Test:
        """Does a record have this value?"""
        if self.key_index is not None:
            index, wanted = self.key_index, str(value).lower() if resource.is_descriptor else value
            return lambda record: record.key[index] == wanted
        return lambda record: self._stands_in(record.document(), value)

    def _stands_in(self, document: dict[str, Any], value: Any) -> bool:
        return any(_at(document, path) == value for path in self.paths)


def _at(document: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def id_test(text: str) -> Test:
    """The filter by id; an id that is none matches nothing."""
    wanted = internal_id(text)
    return lambda record: record.id == wanted


@cache
def filters_of(resource: Resource, dialect: Dialect) -> dict[str, Filter]:
    """The resource's filters, by name in lower case."""
    properties = resource.properties_in(dialect.data_standard)
    by_name = {prop.name: prop for prop in properties}
    found: dict[str, Filter] = {}

    def add(name: str, prop: Property, path: tuple[str, ...], key_index: int | None = None) -> None:
        known = found.get(name.lower())
        paths = (*known.paths, path) if known else (path,)
        found[name.lower()] = Filter(name, prop, paths, key_index)

    for index, part in enumerate(resource.key):
        prop = by_name[part.path[0]]
        if len(part.path) > 1:
            prop = next(field for field in prop.fields if field.name == part.path[1])
        add(part.name, prop, part.path, index)
    for prop in properties:
        if prop.kind == "reference" and not prop.key:
            for field in prop.fields:
                add(_with_role(prop, field), field, (prop.name, field.name))
        elif prop.kind in _SCALARS and not prop.key:
            add(prop.name, prop, (prop.name,))
    return found


def _with_role(reference: Property, field: Property) -> str:
    """`schoolId` of `nextYearSchoolReference` is `nextYearSchoolId`; what has no role keeps its name."""
    role = reference.name.removesuffix("Reference").removesuffix(reference.target)
    plain = role.lower() == reference.target.lower()
    return field.name if plain or not role else role + pascal(field.name)
