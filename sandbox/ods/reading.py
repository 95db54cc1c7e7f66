"""GET: one item, a collection with filters and pages, partitions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence
from typing import Any

from sandbox.ods.authorization import Authorizer, require_claim
from sandbox.ods.clients import Session
from sandbox.ods.dialects import Dialect
from sandbox.ods.documents import etag, internal_id, names_tag, representation
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.filters import Filter, Test, filters_of, id_test
from sandbox.ods.messages import Request, Response, json_response
from sandbox.ods.paging import change_versions, parse_page, parse_split
from sandbox.ods.readers import filter_reader
from sandbox.ods.reading_notes import ABSENT, Reading
from sandbox.ods.resources import Resource
from sandbox.ods.store import Record, Store
from sandbox.ods.strict_paging import strict_page, strict_split

_CACHED_QUERIES = 8


class Reader:
    """Reads one ODS on behalf of callers."""

    def __init__(self, store: Store, dialect: Dialect, authorizer: Authorizer) -> None:
        self._store = store
        self._dialect = dialect
        self._authorizer = authorizer
        self._cache: OrderedDict[tuple[object, ...], Sequence[Record]] = OrderedDict()

    def item(self, session: Session, resource: Resource, identifier: str, request: Request) -> Response:
        """GET by id: 200, or 304 when If-None-Match names its etag."""
        record_id = self._parse_id(identifier)
        require_claim(session, resource, "read")
        record = self._store.collections[resource.name].by_id.get(record_id)
        if record is None:
            raise Failure(Kind.NOT_FOUND, entity=resource.entity)
        self._authorizer.require(session, resource, record.key, "read")
        tag = etag(record, self._dialect)
        if self._unchanged(request.headers.get("if-none-match"), tag):
            return Response(304)
        return Response(200, representation(record, self._dialect), [("ETag", f'"{tag}"')])

    def collection(self, session: Session, resource: Resource, request: Request) -> Response:
        """GET of a page; an empty list when the caller sees nothing."""
        parameters = request.parameters
        if self._dialect.strict_queries:
            page = strict_page(request, self._known(resource))
        else:
            page = parse_page(parameters, self._dialect)
        require_claim(session, resource, "read")
        records = self._visible(session, resource, parameters)
        chosen = page.of(records)
        headers = []
        if page.total_count:
            headers.append(("Total-Count", str(len(records))))
        if chosen and page.has_next:
            headers.append(("Next-Page-Token", page.next_token(chosen)))
        body = b"[" + b",".join(representation(record, self._dialect) for record in chosen) + b"]"
        return Response(200, body, headers)

    def partitions(self, session: Session, resource: Resource, request: Request) -> Response:
        """GET …/partitions: page tokens for readers that work side by side (ODS 7.3+)."""
        if self._dialect.strict_queries:
            split = strict_split(request, self._known(resource))
        else:
            split = parse_split(request.parameters, self._dialect)
        require_claim(session, resource, "read")
        records = self._visible(session, resource, request.parameters)
        return json_response(200, {"pageTokens": split.tokens(records)})

    def _known(self, resource: Resource) -> Container[str]:
        return {*filters_of(resource, self._dialect), "id"}

    def _parse_id(self, text: str) -> str:
        identifier = internal_id(text)
        if identifier is not None:
            return identifier
        if self._dialect.malformed_id_on_read == "unknown route":
            raise Failure(Kind.UNKNOWN_ROUTE)
        phrases = self._dialect.wording.phrases
        raise Failure(Kind.MALFORMED_ID, problems={f"{phrases.root}.id": [phrases.invalid_id.format(id=text)]})

    def _unchanged(self, wanted: str | None, tag: str) -> bool:
        if wanted is None:
            return False
        if self._dialect.if_none_match == "raw":
            # The ODS compares the raw header with the unquoted etag, so a quoted one never hits.
            return wanted == tag
        return names_tag(wanted, tag)

    def _visible(self, session: Session, resource: Resource, parameters: dict[str, str]) -> Sequence[Record]:
        """What of a collection the caller may see and the filters let through, in the dialect's order.

        Kept until the data changes, so that walking a large collection filters it once and not once a page.
        """
        wanted = {name: value for name, value in parameters.items() if name not in _PAGING}
        key = (
            resource.name,
            session.education_organizations,
            session.client.claim_set,
            tuple(sorted(wanted.items())),
            self._store.revision,
        )
        known = self._cache.get(key)
        if known is None:
            known = self._select(session, resource, wanted)
            self._cache[key] = known
            if len(self._cache) > _CACHED_QUERIES:
                self._cache.popitem(last=False)
        return known

    def _select(self, session: Session, resource: Resource, wanted: dict[str, str]) -> Sequence[Record]:
        tests = self._tests(resource, wanted)
        if tests is None:
            return []
        candidates = self._candidates(resource, wanted)
        if not self._authorizer.sees_all(session, resource):
            tests.append(lambda record: self._authorizer.permits(session, record))
        if not tests:
            return list(candidates)
        return [record for record in candidates if all(test(record) for test in tests)]

    def _candidates(self, resource: Resource, wanted: dict[str, str]) -> Iterable[Record]:
        """The records to look through: the student's own where a student is asked for."""
        student = wanted.get("studentuniqueid")
        if student and resource.name in self._store.by_student:
            own = self._store.by_student[resource.name].get(student, {})
            order = _by_key if self._dialect.order == "key" else _by_number
            return sorted(own.values(), key=order)
        collection = self._store.collections[resource.name]
        return collection.in_key_order() if self._dialect.order == "key" else collection.in_insertion_order()

    def _tests(self, resource: Resource, wanted: dict[str, str]) -> list[Test] | None:
        """One test a filter; None when one can match nothing. An ODS ignores parameters that it doesn't know."""
        tests: list[Test] = []
        filters = filters_of(resource, self._dialect)
        if "minchangeversion" in wanted or "maxchangeversion" in wanted:
            least, most = change_versions(wanted, self._dialect)
            tests.append(lambda record: least <= record.change_version <= most)
        for name, text in wanted.items():
            if name == "id":
                tests.append(id_test(self._id_to_filter_by(text)))
            elif name in filters and text != "":
                value = self._filter_value(filters[name], text)
                if value is ABSENT:
                    return None
                tests.append(filters[name].test(resource, value))
        return tests

    def _id_to_filter_by(self, text: str) -> str:
        """An ODS binds the text as a GUID; the Data Management Service finds nothing for one that is none."""
        if internal_id(text) is None and not self._dialect.strict_queries:
            phrases = self._dialect.wording.phrases
            raise Failure(Kind.MALFORMED_ID, problems={f"{phrases.root}.id": [phrases.invalid_id.format(id=text)]})
        return text

    def _filter_value(self, wanted: Filter, text: str) -> Any:
        """A filter's text as the property's value; ABSENT for an unknown descriptor."""
        reading = Reading(self._store)
        phrases = self._dialect.wording.phrases
        value = filter_reader(wanted.prop, self._dialect)(text, phrases.root, reading)
        if reading.unknown_descriptor and self._dialect.unknown_descriptor_filter == "refused":
            uri, descriptor = reading.unknown_descriptor
            raise Failure(Kind.UNKNOWN_DESCRIPTOR, uri=uri, descriptor=descriptor)
        if reading.binding and self._dialect.strict_queries:
            path = ".".join((phrases.root, *wanted.paths[0]))
            message = f"The value '{text}' is not valid for {wanted.name}."
            raise Failure(Kind.BINDING, problems={path: [message]})
        if reading.binding:
            raise Failure(Kind.BINDING, problems=reading.binding)
        return value


_PAGING = frozenset({"limit", "offset", "totalcount", "pagesize", "pagetoken", "number", "correlationid"})


def _by_key(record: Record) -> tuple[str | int, ...]:
    return record.key


def _by_number(record: Record) -> int:
    return record.number
