"""The root document, the dependencies and the list of OpenAPI documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.properties import Property
from sandbox.ods.resources import Resource
from sandbox.ods.routes import Layout

SANDBOX_BUILD = "sandbox"


def root_document(base_url: str, layout: Layout, dialect: Dialect, prefix: tuple[str, ...] | None) -> dict[str, Any]:
    """GET /: what this API is and where its parts are.

    `prefix`: tenant and year as asked for; None at the bare root, where 7.x shows placeholders and 5.x and 6.x fill
    in the current calendar year (`VersionController`).
    """
    parts = layout.placeholders() if prefix is None else prefix
    if prefix is None and not dialect.year_before_api and layout.years:
        parts = (*parts[:-1], str(datetime.now(UTC).year))
    urls = {name: base_url + _URLS[name](layout, parts) for name in dialect.urls}
    major, _, minor = dialect.data_standard_version.partition(".")
    document: dict[str, Any] = {}
    if dialect.version:
        document = {
            "version": dialect.version,
            "informationalVersion": dialect.version,
            "suite": "3",
            "build": SANDBOX_BUILD,
        }
    if dialect.application_name:
        document["applicationName"] = dialect.application_name
    if dialect.api_mode:
        document["apiMode"] = layout.api_mode()
    document["dataModels"] = [
        {
            "name": "Ed-Fi",
            "version": dialect.data_standard_version,
            "informationalVersion": f"The Ed-Fi Data Standard v{major}.{minor}",
        }
    ]
    document["urls"] = urls
    return document


_Place = Callable[[Layout, tuple[str, ...]], str]
_URLS: dict[str, _Place] = {
    "dependencies": lambda layout, parts: layout.dependencies(parts),
    "openApiMetadata": lambda layout, parts: layout.metadata(parts),
    "oauth": lambda layout, parts: layout.token(parts),
    "oauthTokenIntrospection": lambda layout, parts: f"{layout.token(parts)}_info",
    "tokenInfo": lambda layout, parts: f"{layout.token(parts)}_info",
    "dataManagementApi": lambda layout, parts: layout.data_url(parts),
    "xsdMetadata": lambda layout, parts: layout.xsd(parts),
    "changeQueries": lambda layout, parts: layout.change_queries_url(parts),
}


def dependencies(resources: dict[str, Resource], dialect: Dialect) -> list[dict[str, Any]]:
    """In which order resources have to be loaded; from 6.0 on, students are updated after their enrollments."""
    rows = []
    for resource in resources.values():
        operations = ["Create", "Update"] if dialect.dependencies_list_updates else ["Create"]
        if resource.name == "students" and dialect.dependencies_list_updates:
            rows.append(_dependency(resource, resource.order, ["Create"]))
            rows.append(_dependency(resource, 7, ["Update"]))
        else:
            rows.append(_dependency(resource, resource.order, operations))
    return sorted(rows, key=lambda row: (row["order"], row["resource"]))


def _dependency(resource: Resource, order: int, operations: list[str]) -> dict[str, Any]:
    return {"resource": f"/ed-fi/{resource.name}", "order": order, "operations": operations}


def dependency_graph(resources: dict[str, Resource], dialect: Dialect) -> bytes:
    """The same as GraphML: an edge leads from what is referred to, and so loaded first, to what refers to it."""
    names = sorted(resources)
    edges = sorted({edge for name in names for edge in _edges(resources[name], resources, dialect)})
    lines = [f'<node id="/ed-fi/{name}"/>' for name in names]
    lines += [f'<edge source="/ed-fi/{source}" target="/ed-fi/{target}"/>' for source, target in edges]
    return _GRAPHML.format("\n".join(lines)).encode()


_GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<graph id="EdFi Dependencies" edgedefault="directed">
{}
</graph>
</graphml>
"""


def _edges(resource: Resource, resources: dict[str, Resource], dialect: Dialect) -> set[tuple[str, str]]:
    entities = set(_entities(resource.properties_in(dialect.data_standard), dialect))
    return {
        (other.name, resource.name)
        for other in resources.values()
        if other is not resource and not entities.isdisjoint((other.entity, other.base))
    }


def _entities(properties: Iterable[Property], dialect: Dialect) -> Iterator[str]:
    """The entities, descriptors included, that properties and the parts of them refer to."""
    for prop in properties:
        if not prop.in_standard(dialect.data_standard):
            continue
        if prop.target or prop.descriptor:
            yield prop.target or prop.descriptor
        yield from _entities(prop.fields, dialect)
