"""The vocabulary in which the resources are defined: properties, collections, references.

One definition is read by the validation, by the store (keys, references) and by the OpenAPI document, so that
what is promised and what is checked cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal[
    "string", "integer", "organization id", "number", "boolean", "date", "descriptor", "reference", "object", "list"
]
DataStandard = tuple[int, int]

FIRST: DataStandard = (3, 3)
LAST: DataStandard = (9, 9)


@dataclass(frozen=True, eq=False, slots=True)
class Property:
    """One property of a resource, a reference, an inner object or a collection's item.

    `since` and `until` bound the Data Standards that have it (both inclusive). `descriptor` names the descriptor's
    type and `target` the entity that a reference points to. `fields` are the parts of a reference, an object or an
    item; `item` is the published schema name of an object or item. `maximum` bounds a number's size.
    """

    name: str
    kind: Kind
    required: bool = False
    key: bool = False
    max_length: int | None = None
    min_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    descriptor: str = ""
    target: str = ""
    fields: tuple[Property, ...] = ()
    item: str = ""
    since: DataStandard = FIRST
    until: DataStandard = LAST

    def in_standard(self, standard: DataStandard) -> bool:
        return self.since <= standard <= self.until

    @property
    def label(self) -> str:
        """The name as ODS/API messages write it (PascalCase)."""
        return pascal(self.name)


def pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def camel(entity: str) -> str:
    """An entity's name as a property: `CTEProgramServiceDescriptor` is `cteProgramServiceDescriptor`."""
    capitals = len(entity) - len(entity.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    lowered = max(1, capitals - 1)
    return entity[:lowered].lower() + entity[lowered:]


def column(reference: Property, field: Property) -> str:
    """What an ODS table calls a reference's value: with its role, where another reference has the same one."""
    if reference.target == "Program" and field.name == "educationOrganizationId":
        return "ProgramEducationOrganizationId"
    return field.label


def text(name: str, max_length: int, min_length: int | None = None, *, required: bool = False) -> Property:
    return Property(name, "string", required=required, max_length=max_length, min_length=min_length)


def date(name: str, *, required: bool = False) -> Property:
    return Property(name, "date", required=required)


def flag(name: str) -> Property:
    return Property(name, "boolean")


def integer(name: str, *, required: bool = False) -> Property:
    return Property(name, "integer", required=required)


def organization_id(name: str) -> Property:
    """An education organization's number: 32 bits up to Data Standard 4, 64 bits from 5 on."""
    return Property(name, "organization id", required=True)


def number(name: str, minimum: float | None = None, maximum: float | None = None) -> Property:
    return Property(name, "number", minimum=minimum, maximum=maximum)


def descriptor(name: str, kind: str = "", *, required: bool = False) -> Property:
    """A descriptor URI; `kind` where the descriptor's type is not simply the property's name."""
    return Property(name, "descriptor", required=required, max_length=306, descriptor=kind or pascal(name))


def reference(name: str, target: str, *fields: Property, required: bool = False) -> Property:
    parts = tuple(replace(field, required=True) for field in fields)
    return Property(name, "reference", required=required, target=target, fields=parts)


def inner(name: str, item: str, *fields: Property) -> Property:
    return Property(name, "object", item=item, fields=fields)


def items(name: str, item: str, *fields: Property, required: bool = False) -> Property:
    return Property(name, "list", item=item, fields=fields, required=required)


def key(prop: Property) -> Property:
    """Part of the natural key (of a resource) or of the identity (of a collection's item); always required."""
    return replace(prop, key=True, required=True)


def since(standard: DataStandard, prop: Property) -> Property:
    return replace(prop, since=standard)


def until(standard: DataStandard, prop: Property) -> Property:
    return replace(prop, until=standard)
