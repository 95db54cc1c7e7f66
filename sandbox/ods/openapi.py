"""The OpenAPI documents, generated from the definitions that validate: neither can promise what the other breaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sandbox.ods.dialects import Dialect
from sandbox.ods.filters import filters_of
from sandbox.ods.paging import MAX_LIMIT, MAX_PARTITIONS
from sandbox.ods.properties import Property, camel
from sandbox.ods.resources import Resource

Json = dict[str, Any]

_INT32: Json = {"type": "integer", "format": "int32"}
_IDENTITY = {"x-Ed-Fi-isIdentity": True}


def openapi_document(resources: Iterable[Resource], dialect: Dialect, data_url: str, token_url: str) -> Json:
    """One OpenAPI 3.0 document: every path of the resources given, with the schemas they need."""
    chosen = list(resources)
    builder = _Builder(dialect)
    paths: Json = {}
    for resource in chosen:
        paths.update(builder.paths(resource))
    return {
        "openapi": "3.0.1",
        "info": {
            "title": "Ed-Fi Operational Data Store API",
            "description": "Resources and descriptors of the sandbox ODS.",
            "version": "3",
        },
        "servers": [{"url": data_url}],
        "tags": [{"name": resource.name, "description": f"{resource.entity} items."} for resource in chosen],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(builder.schemas.items())),
            "parameters": _shared_parameters(dialect),
            "responses": _shared_responses(dialect),
            "securitySchemes": {
                "oauth2_client_credentials": {
                    "type": "oauth2",
                    "description": "Ed-Fi ODS/API OAuth 2.0 Client Credentials Grant Type authorization",
                    "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": {}}},
                }
            },
        },
        "security": [{"oauth2_client_credentials": []}],
    }


class _Builder:
    """Makes paths and, on the way, the schemas that they refer to."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.schemas: Json = {"link": _LINK}

    # Paths

    def paths(self, resource: Resource) -> Json:
        root = f"/ed-fi/{resource.name}"
        schema = self._resource_schema(resource)
        paths = {root: self._collection_path(resource, schema), f"{root}/{{id}}": self._item_path(resource, schema)}
        if self._dialect.cursor_paging:
            paths[f"{root}/partitions"] = {"get": self._partitions(resource)}
        paths[f"{root}/deletes"] = {"get": self._changes(resource, "Deletes")}
        if self._dialect.key_changes:
            paths[f"{root}/keyChanges"] = {"get": self._changes(resource, "KeyChanges")}
        return paths

    def _collection_path(self, resource: Resource, schema: Json) -> Json:
        names = ["offset", "limit", "totalCount", "MinChangeVersion", "MaxChangeVersion"]
        if self._dialect.cursor_paging:
            names += ["pageToken", "pageSize"]
        headers = {"Total-Count": _header("The number of items, when totalCount asks for it.", "integer")}
        if self._dialect.cursor_paging:
            headers["Next-Page-Token"] = _header("Where the next page starts; absent at the end.", "string")
        page = _response("The page asked for.", {"type": "array", "items": schema}, headers)
        return {
            "get": _operation(
                resource,
                f"get{_upper(resource.name)}",
                {"200": page, **_refusals(400, 401, 403, 404)},
                parameters=[_parameter_reference(name) for name in names] + self._filters(resource),
            ),
            "post": _operation(
                resource,
                f"post{_upper(camel(resource.entity))}",
                {
                    "200": {"$ref": "#/components/responses/Updated"},
                    "201": {"$ref": "#/components/responses/Created"},
                    **_refusals(400, 401, 403, 405, 409, 412, 415),
                },
                body=schema,
            ),
        }

    def _item_path(self, resource: Resource, schema: Json) -> Json:
        name = _upper(camel(resource.entity))
        put = _operation(
            resource,
            f"put{name}",
            {
                "204": {"$ref": "#/components/responses/Updated"},
                **_refusals(400, 401, 403, 404, 405, 409, 412, 415),
            },
            parameters=[_parameter_reference("id"), _parameter_reference("IfMatch")],
            body=schema,
        )
        if resource.updatable_key:
            put["x-Ed-Fi-isUpdatable"] = True
        return {
            "get": _operation(
                resource,
                f"get{_upper(resource.name)}ById",
                {
                    "200": _response("The item.", schema, {"ETag": _header("The item's version.", "string")}),
                    "304": {"description": "The item is the version that If-None-Match names."},
                    **_refusals(400, 401, 403, 404),
                },
                parameters=[_parameter_reference("id"), _parameter_reference("IfNoneMatch")],
            ),
            "put": put,
            "delete": _operation(
                resource,
                f"delete{name}ById",
                {
                    "204": {"description": "The item was deleted."},
                    **_refusals(400, 401, 403, 404, 405, 409, 412),
                },
                parameters=[_parameter_reference("id"), _parameter_reference("IfMatch")],
            ),
        }

    def _partitions(self, resource: Resource) -> Json:
        tokens = {
            "type": "object",
            "properties": {"pageTokens": {"type": "array", "items": {"type": "string"}}},
            "required": ["pageTokens"],
        }
        return _operation(
            resource,
            f"get{_upper(resource.name)}Partitions",
            {"200": _response("A page token for each partition.", tokens), **_refusals(400, 401, 403, 404)},
            parameters=[_parameter_reference("numberOfPartitions"), *self._filters(resource)],
        )

    def _changes(self, resource: Resource, kind: str) -> Json:
        names = ["offset", "limit", "totalCount", "MinChangeVersion", "MaxChangeVersion"]
        rows = {"type": "array", "items": {"type": "object"}}
        return _operation(
            resource,
            f"{kind[:1].lower()}{kind[1:]}{_upper(resource.name)}",
            {"200": _response("The changes.", rows), **_refusals(400, 401, 403, 404)},
            parameters=[_parameter_reference(name) for name in names],
        )

    def _filters(self, resource: Resource) -> list[Json]:
        """What the collection can be filtered by, key parts first; the descriptors' texts keep their own names."""
        parameters = []
        for wanted in filters_of(resource, self._dialect).values():
            parameter: Json = {
                "name": wanted.name,
                "in": "query",
                "schema": self._scalar(replace(wanted.prop, key=False, required=True)),
            }
            if wanted.key_index is not None:
                parameter.update(_IDENTITY)
            parameters.append(parameter)
        return [*parameters, {"name": "id", "in": "query", "schema": {"type": "string"}}]

    # Schemas

    def _resource_schema(self, resource: Resource) -> Json:
        schema = self._object(resource.properties_in(self._dialect.data_standard))
        own: Json = {"id": {"type": "string"}}
        if resource.is_descriptor:
            own[f"{camel(resource.entity)}Id"] = {**_INT32, "readOnly": True, **_IDENTITY}
        tail: Json = {"_etag": {"type": "string"}}
        if self._dialect.last_modified_date:
            tail["_lastModifiedDate"] = {"type": "string", "format": "date-time"}
        schema["properties"] = {**own, **schema["properties"], **tail}
        if resource.updatable_key:
            schema["x-Ed-Fi-isUpdatable"] = True
        return self._named(resource.schema, schema)

    def _object(self, properties: Iterable[Property]) -> Json:
        served = [prop for prop in properties if prop.in_standard(self._dialect.data_standard)]
        schema: Json = {"type": "object", "properties": {prop.name: self._property(prop) for prop in served}}
        required = [prop.name for prop in served if prop.required]
        if required:
            schema["required"] = required
        return schema

    def _property(self, prop: Property) -> Json:
        match prop.kind:
            case "reference":
                schema = self._object(replace(part, key=True) for part in prop.fields)
                schema["properties"]["link"] = {"$ref": "#/components/schemas/link"}
                return self._named(f"edFi_{camel(prop.target)}Reference", schema)
            case "object":
                return self._named(f"edFi_{prop.item}", self._object(prop.fields))
            case "list":
                listed: Json = {"type": "array", "items": self._named(f"edFi_{prop.item}", self._object(prop.fields))}
                if prop.required:
                    listed["minItems"] = 1
                return listed
        return self._scalar(prop)

    def _scalar(self, prop: Property) -> Json:
        schema = self._scalar_type(prop)
        if prop.key:
            schema.update(_IDENTITY)
        if not prop.required:
            schema["nullable"] = True
        return schema

    def _scalar_type(self, prop: Property) -> Json:
        match prop.kind:
            case "date":
                return {"type": "string", "format": "date"}
            case "boolean":
                return {"type": "boolean"}
            case "number":
                return {"type": "number", "format": "double"} | (
                    {} if prop.minimum is None else {"minimum": prop.minimum}
                )
            case "integer":
                return dict(_INT32)
            case "organization id":
                wide = self._dialect.data_standard >= (5, 0)
                return {"type": "integer", "format": "int64" if wide else "int32"}
        lengths: Json = {"maxLength": prop.max_length}
        if prop.min_length is not None and self._dialect.data_standard >= (5, 0):
            lengths["minLength"] = prop.min_length
        return {"type": "string", **lengths}

    def _named(self, name: str, schema: Json) -> Json:
        self.schemas.setdefault(name, schema)
        return {"$ref": f"#/components/schemas/{name}"}


_LINK: Json = {"type": "object", "properties": {"rel": {"type": "string"}, "href": {"type": "string"}}}
_REFUSALS = {
    400: ("BadRequest", "The request was refused as it stands."),
    401: ("Unauthorized", "There is no valid token."),
    403: ("Forbidden", "The caller may not do this."),
    404: ("NotFound", "There is no such item."),
    405: ("MethodNotAllowed", "The method is not supported here."),
    409: ("Conflict", "The data does not allow it: a reference, a dependent item, or a key that is taken."),
    412: ("PreconditionFailed", "The item is not the version that was named."),
    415: ("UnsupportedMediaType", "The content type is not supported."),
}


def _refusals(*statuses: int) -> Json:
    """References to the shared responses of the statuses given, and to the 500 that may always come."""
    names = {str(status): _REFUSALS[status][0] for status in statuses} | {"500": "Error"}
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}


def _operation(
    resource: Resource, name: str, responses: Json, parameters: list[Json] | None = None, body: Json | None = None
) -> Json:
    operation: Json = {"tags": [resource.name], "operationId": name}
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body}},
            "x-bodyName": camel(resource.entity),
        }
    operation["responses"] = responses
    return operation


def _response(description: str, schema: Json, headers: Json | None = None) -> Json:
    response: Json = {"description": description, "content": {"application/json": {"schema": schema}}}
    if headers:
        response["headers"] = headers
    return response


def _header(description: str, kind: str) -> Json:
    return {"description": description, "schema": {"type": kind}}


def _parameter_reference(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{name}"}


def _shared_parameters(dialect: Dialect) -> Json:
    limit = {**_INT32, "minimum": 0, "maximum": MAX_LIMIT, "default": dialect.default_limit}
    parameters: Json = {
        "offset": {"name": "offset", "in": "query", "schema": {**_INT32, "minimum": 0, "default": 0}},
        "limit": {"name": "limit", "in": "query", "schema": limit},
        "totalCount": {"name": "totalCount", "in": "query", "schema": {"type": "boolean", "default": False}},
        "MinChangeVersion": {
            "name": "minChangeVersion",
            "in": "query",
            "schema": {"type": "integer", "format": "int64"},
        },
        "MaxChangeVersion": {
            "name": "maxChangeVersion",
            "in": "query",
            "schema": {"type": "integer", "format": "int64"},
        },
        "id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        "IfMatch": {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
        "IfNoneMatch": {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
    }
    if dialect.cursor_paging:
        size = {**_INT32, "minimum": 0, "maximum": MAX_LIMIT}
        number = {**_INT32, "minimum": 1, "maximum": MAX_PARTITIONS}
        parameters["pageToken"] = {"name": "pageToken", "in": "query", "schema": {"type": "string"}}
        parameters["pageSize"] = {"name": "pageSize", "in": "query", "schema": size}
        parameters["numberOfPartitions"] = {"name": "number", "in": "query", "schema": number}
    return parameters


def _shared_responses(dialect: Dialect) -> Json:
    body = _error_schema(dialect)
    written = {
        "Location": _header("Where the item is.", "string"),
        "ETag": _header("The item's version.", "string"),
    }
    responses: Json = {
        "Created": {"description": "The item was created.", "headers": written},
        "Updated": {"description": "The item was updated.", "headers": written},
        "Error": _response("An unexpected fault of the server.", body),
    }
    for name, description in _REFUSALS.values():
        responses[name] = _response(description, body)
        if dialect.wording.format == "dms":
            responses[name]["content"]["application/problem+json"] = {"schema": body}
    return responses


def _error_schema(dialect: Dialect) -> Json:
    if dialect.wording.format in ("message", "message with correlation id"):
        return {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
    texts = ("detail", "type", "title", "correlationId")
    return {
        "type": "object",
        "required": [*texts, "status"],
        "properties": {
            **{name: {"type": "string"} for name in texts},
            "status": _INT32,
            "validationErrors": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "errors": {"type": "array", "items": {"type": "string"}},
        },
    }


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]
