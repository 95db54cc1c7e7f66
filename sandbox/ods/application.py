"""The API: from a request to its answer. Routes, authentication, and failures in the dialect's words."""

from __future__ import annotations

import sys
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sandbox.ods import changes, discovery, oauth
from sandbox.ods.clients import Clients, Session
from sandbox.ods.dialects import Dialect
from sandbox.ods.documents import internal_id
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.instance import Instance
from sandbox.ods.messages import Request, Response, json_response
from sandbox.ods.openapi import openapi_document
from sandbox.ods.resources import Resource
from sandbox.ods.routes import Layout, Parts

_GRAPHML_TYPE = "application/graphml"
_PROBLEM_TYPE = "application/problem+json"
_COLLECTION_METHODS = {
    "PUT": 'Resource collections cannot be replaced. To "upsert" an item in the collection, use POST. To update a '
    'specific item, use PUT and include the "id" in the route.',
    "DELETE": 'Resource collections cannot be deleted. To delete a specific item, use DELETE and include the "id" in '
    "the route.",
}
_ITEM_METHODS = {
    "POST": 'Resource items can only be updated using PUT. To "upsert" an item in the resource collection using '
    'POST, remove the "id" from the route.',
}
_WRITES = frozenset({"POST", "PUT", "DELETE"})


@dataclass(frozen=True)
class Place:
    """A resource of one instance."""

    instance: Instance
    resource: Resource


class Handler(Protocol):
    def __call__(self, request: Request) -> Response: ...


class Application:
    """One sandbox: its instances (one, or one a year and tenant), its clients, and what it answers."""

    def __init__(self, dialect: Dialect, layout: Layout, clients: Clients) -> None:
        self.dialect = dialect
        self.layout = layout
        self.clients = clients
        self.instances: dict[Parts, Instance] = {parts: Instance(dialect) for parts in layout.instances()}
        self._collections: dict[str, Place] = {}
        self._fixed: dict[tuple[str, str], Handler] = {}
        for parts, instance in self.instances.items():
            self._add_collections(parts, instance)
            self._add_fixed_routes(parts, instance)
        self._add_root(None, ())
        for parts in self.instances:
            for length in range(1, len(parts) + 1) if dialect.year_before_api else ():
                self._add_root(parts, parts[:length])

    # Routes

    def _add_collections(self, parts: Parts, instance: Instance) -> None:
        root = self.layout.data(parts)
        for resource in instance.store.resources.values():
            self._collections[f"{root}/ed-fi/{resource.name}".lower()] = Place(instance, resource)

    def _add_fixed_routes(self, parts: Parts, instance: Instance) -> None:
        layout, dialect = self.layout, self.dialect
        self._route("POST", layout.token(parts), lambda request: oauth.token(request, self.clients, dialect))
        self._route(
            "POST",
            f"{layout.token(parts)}_info",
            lambda request: oauth.token_info(
                request, self._required_session(request), self.clients, instance.store, dialect
            ),
        )
        self._route(
            "GET",
            f"{layout.change_queries(parts)}/availableChangeVersions",
            lambda request: self._available_changes(request, instance),
        )
        if dialect.snapshot_header == "snapshot-identifier":
            self._route("GET", f"{layout.change_queries(parts)}/snapshots", self._no_snapshots)
        self._route(
            "GET",
            layout.dependencies(parts),
            lambda request: self._dependencies(request, instance),
        )
        sections = {"resources": "Resources", "descriptors": "Descriptors"}
        self._route(
            "GET",
            layout.metadata(parts),
            lambda request: json_response(
                200,
                [
                    {
                        "name": title,
                        "endpointUri": request.base_url + layout.openapi(parts, section),
                        "prefix": "",
                    }
                    for section, title in sections.items()
                ],
            ),
        )
        for section in sections:
            self._route("GET", layout.openapi(parts, section), self._openapi_handler(parts, instance, section))
        self._route("GET", layout.xsd(parts), lambda _: json_response(200, []))

    def _dependencies(self, request: Request, instance: Instance) -> Response:
        resources = instance.store.resources
        if _GRAPHML_TYPE in request.headers.get("accept", ""):
            return Response(200, discovery.dependency_graph(resources, self.dialect), content_type=_GRAPHML_TYPE)
        return json_response(200, discovery.dependencies(resources, self.dialect))

    def _openapi_handler(self, parts: Parts, instance: Instance, section: str) -> Handler:
        def handler(request: Request) -> Response:
            base = request.base_url
            resources = [
                resource
                for resource in instance.store.resources.values()
                if resource.is_descriptor == (section == "descriptors")
            ]
            document = openapi_document(
                resources, self.dialect, base + self.layout.data(parts), base + self.layout.token(parts)
            )
            return json_response(200, document)

        return handler

    def _add_root(self, parts: Parts | None, shown: Parts) -> None:
        path = "".join(f"/{part}" for part in shown)

        def handler(request: Request) -> Response:
            prefix = None if parts is None else (*shown, *self.layout.placeholders()[len(shown) :])
            return json_response(200, discovery.root_document(request.base_url, self.layout, self.dialect, prefix))

        self._route("GET", path or "/", handler)

    def _route(self, method: str, path: str, handler: Handler) -> None:
        self._fixed[method, _normal(path)] = handler

    # Requests

    def handle(self, request: Request) -> Response:
        """The answer to any request; what goes wrong inside becomes the dialect's 500."""
        try:
            return self._dispatch(request)
        except Failure as failure:
            return self._refusal(request, failure)
        except Exception:  # noqa: BLE001 - a server answers, whatever happened; the trace goes to its own log
            traceback.print_exc(file=sys.stderr)
            return self._refusal(request, Failure(Kind.SYSTEM))

    def identity(self, request: Request) -> bytes:
        """What tells a request from others, the same in every run: an item stands there by its natural key."""
        parts = (request.method.encode(), request.path.encode(), request.query.encode(), request.body)
        whole = b"\0".join(parts)
        head, _, tail = request.path.rstrip("/").rpartition("/")
        place = self._collections.get(head.lower())
        record_id = internal_id(tail)
        if place is None or record_id is None:
            return whole
        record = place.instance.store.collections[place.resource.name].by_id.get(record_id)
        name = "{id}" if record is None else repr(record.key)
        return whole.replace(tail.encode(), name.encode())

    def _dispatch(self, request: Request) -> Response:
        path = _normal(request.path)
        place = self._collections.get(path)
        if place is not None:
            return self._on_collection(request, place)
        handler = self._fixed.get((request.method, path))
        if handler is not None:
            return handler(request)
        head, _, tail = request.path.rstrip("/").rpartition("/")
        place = self._collections.get(head.lower())
        if place is not None:
            return self._below_collection(request, place, tail)
        allowed = [method for method, known in self._fixed if known == path]
        if allowed:
            raise self._unsupported(request, ", ".join(allowed))
        raise Failure(Kind.UNKNOWN_ROUTE)

    def _on_collection(self, request: Request, place: Place) -> Response:
        session = self._required_session(request)
        self._check_snapshot(request)
        instance, resource = place.instance, place.resource
        if request.method == "POST":
            url = request.base_url + request.path.rstrip("/")
            return instance.writer.post(session, resource, request, url)
        if request.method == "GET":
            return instance.reader.collection(session, resource, request)
        raise self._unsupported(request, "GET, POST", _COLLECTION_METHODS)

    def _below_collection(self, request: Request, place: Place, tail: str) -> Response:
        session = self._required_session(request)
        self._check_snapshot(request)
        special = self._special(tail)
        if special is not None:
            if request.method != "GET":
                raise self._unsupported(request, "GET")
            return special(session, place, request)
        instance, resource = place.instance, place.resource
        match request.method:
            case "GET":
                return instance.reader.item(session, resource, tail, request)
            case "PUT":
                return instance.writer.put(session, resource, tail, request, request.base_url + request.path)
            case "DELETE":
                return instance.writer.delete(session, resource, tail, request.headers)
        raise self._unsupported(request, "GET, PUT, DELETE", _ITEM_METHODS)

    def _special(self, tail: str) -> Callable[[Session, Place, Request], Response] | None:
        """What stands at an id's place without being one: deletes, keyChanges, partitions."""
        match tail.lower():
            case "deletes":
                return self._deletes
            case "keychanges":
                return self._key_changes
            case "partitions" if self.dialect.cursor_paging:
                return self._partitions
        return None

    def _deletes(self, session: Session, place: Place, request: Request) -> Response:
        return place.instance.changes.deletes(session, place.resource, request)

    def _key_changes(self, session: Session, place: Place, request: Request) -> Response:
        return place.instance.changes.key_changes(session, place.resource, request)

    def _partitions(self, session: Session, place: Place, request: Request) -> Response:
        return place.instance.reader.partitions(session, place.resource, request)

    def _available_changes(self, request: Request, instance: Instance) -> Response:
        self._required_session(request)
        return changes.available(instance.store, self.dialect)

    def _no_snapshots(self, request: Request) -> Response:
        self._required_session(request)
        return json_response(200, [])

    # Who asks

    def _session(self, request: Request) -> Session | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.clients.session(token) if scheme.lower() == "bearer" else None

    def _required_session(self, request: Request) -> Session:
        session = self._session(request)
        if session is not None:
            return session
        header = request.headers.get("authorization")
        if header is None:
            reason = "Authorization header is missing."
        elif not header.strip():
            reason = "Invalid Authorization header."
        else:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                reason = "Unknown Authorization header scheme."
            elif not token.strip():
                reason = "Missing Authorization header bearer token value."
            else:
                reason = "Invalid token"
        raise Failure(Kind.UNAUTHENTICATED, reason=reason)

    def _check_snapshot(self, request: Request) -> None:
        """There are no snapshots here: asking for one is answered as by an ODS that has none."""
        value = request.headers.get(self.dialect.snapshot_header)
        if value is None or value.lower() == "false":
            return
        raise Failure(Kind.SNAPSHOT_WRITE if request.method in _WRITES else Kind.SNAPSHOT_MISSING)

    # Refusals

    def _unsupported(self, request: Request, allowed: str, messages: Mapping[str, str] = {}) -> Failure:
        general = f"The endpoint of the request does not support the '{request.method}' method."
        message = messages.get(request.method, general)
        if self.dialect.wording.format == "dms" and request.method in messages:
            message = message.replace('"', "'")
        return Failure(Kind.METHOD, message=message, allow=allowed)

    def error_on_demand(self, request: Request, status: int) -> Response:
        """The dialect's answer of a status that a fault asks for; an empty one where it has no words for it."""
        kinds = {
            401: Kind.UNAUTHENTICATED,
            429: Kind.TOO_MANY_REQUESTS,
            500: Kind.SYSTEM,
            502: Kind.BAD_GATEWAY,
            503: Kind.UNAVAILABLE,
        }
        if status not in kinds:
            return Response(status)
        return self._refusal(request, Failure(kinds[status], reason="Invalid token"))

    def _refusal(self, request: Request, failure: Failure) -> Response:
        named = request.headers.get(self.dialect.correlation_header)
        if named is None and self.dialect.correlation_parameter:
            named = request.parameters.get("correlationid")
        correlation_id = named or str(uuid.uuid4())
        status, document = self.dialect.wording.body(failure, correlation_id)
        response = Response(status) if document is None else json_response(status, document)
        if failure.kind is Kind.METHOD:
            response.headers.append(("Allow", str(failure.facts["allow"])))
        if self.dialect.wording.format == "dms" and (status == 403 or failure.kind is Kind.UNKNOWN_ROUTE):
            response.content_type = _PROBLEM_TYPE
        return response


def _normal(path: str) -> str:
    """Paths are matched without regard to case (ASP.NET routing) or to a slash at the end."""
    return path.rstrip("/").lower()
