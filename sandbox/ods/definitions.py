"""The resources that the sandbox serves, by Data Standard (published OpenAPI of Data Standards 3.3 to 6.0).

Names, lengths, required and identifying properties are those of the published documents; the natural keys and the
inheritance (`base`) are those of the ODS tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from sandbox.ods.organization_resources import ORGANIZATIONS
from sandbox.ods.properties import Property, camel, date, key, text
from sandbox.ods.resources import KeyPart, Resource
from sandbox.ods.student_resources import STUDENTS

RESOURCES = (*ORGANIZATIONS, *STUDENTS)

_DESCRIPTOR_KEY = (KeyPart("namespace", ("namespace",)), KeyPart("codeValue", ("codeValue",)))
_DESCRIPTOR_PROPERTIES = (
    key(text("codeValue", 50)),
    key(text("namespace", 255)),
    text("shortDescription", 75, required=True),
    text("description", 1024),
    date("effectiveBeginDate"),
    date("effectiveEndDate"),
)


def _descriptor_kinds(properties: tuple[Property, ...]) -> Iterator[str]:
    for prop in properties:
        if prop.descriptor:
            yield prop.descriptor
        yield from _descriptor_kinds(prop.fields)


def _descriptor_resource(kind: str) -> Resource:
    return Resource(
        name=f"{camel(kind)}s",
        entity=kind,
        key=_DESCRIPTOR_KEY,
        properties=_DESCRIPTOR_PROPERTIES,
        claim="systemDescriptors",
        order=1,
    )


@cache
def resources() -> dict[str, Resource]:
    """Every resource by its path. The descriptors are those that some property uses, in any Data Standard: a real
    ODS keeps them all, whichever resources still point to them.
    """
    kinds = {kind for resource in RESOURCES for kind in _descriptor_kinds(resource.properties)}
    descriptors = (_descriptor_resource(kind) for kind in sorted(kinds))
    return {resource.name: resource for resource in (*descriptors, *RESOURCES)}
