"""POST, PUT and DELETE: checks in the order of the API's generation, then one change of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.ods.authorization import Authorizer, require_claim
from sandbox.ods.clients import Session
from sandbox.ods.dialects import Dialect
from sandbox.ods.documents import body_of, etag, internal_id, link, names_tag, public_id
from sandbox.ods.failures import Failure, Kind, Problems
from sandbox.ods.messages import DuplicateProperty, Request, Response, json_without_duplicates
from sandbox.ods.properties import camel
from sandbox.ods.reading_notes import Reading
from sandbox.ods.resources import Resource
from sandbox.ods.store import Record, SavedRecord, Store
from sandbox.ods.validation import DocumentReader, document_reader

_JSON_TYPES = ("application/json", "text/json")


@dataclass(frozen=True)
class Writer:
    """Writes to one ODS on behalf of callers. `session` None: a hand edit, which no authorization stops."""

    store: Store
    dialect: Dialect
    authorizer: Authorizer

    # The three verbs

    def post(self, session: Session | None, resource: Resource, request: Request, collection_url: str) -> Response:
        """Upsert by natural key: 201 for a new item, 200 for one that was there."""
        raw = self._json_object(request)
        if "id" in raw and raw["id"] is not None:
            raise Failure(Kind.ID_IN_BODY)
        record, created = self.upsert(session, resource, raw, request.headers)
        return self._written(
            201 if created else 200, record, f"{collection_url}/{public_id(record.id, self.dialect)}"
        )

    def put(
        self, session: Session | None, resource: Resource, identifier: str, request: Request, url: str
    ) -> Response:
        """Full replacement by id: 204."""
        if not request.body.strip() and self.dialect.empty_put == "validation":
            self._refuse_empty_put(identifier)
        record_id = self.parse_id(identifier)
        raw = self._json_object(request)
        record = self.replace(session, resource, record_id, raw, request.headers)
        return self._written(204, record, url)

    def delete(
        self, session: Session | None, resource: Resource, identifier: str, headers: dict[str, str]
    ) -> Response:
        """Delete by id: 204; 409 while other items depend on it."""
        record = self.store.collections[resource.name].by_id.get(self.parse_id(identifier))
        if session is not None:
            require_claim(session, resource, "delete")
        if record is None:
            raise self._missing(Kind.NOT_FOUND_DELETE, headers)
        if session is not None:
            self.authorizer.require(session, resource, record.key, "delete")
        self._check_if_match(record, headers)
        self._refuse_dependents(record)
        self.store.delete(record)
        return Response(204)

    def parse_id(self, text: str) -> str:
        """The id in a URL; Failure when it isn't a GUID."""
        identifier = internal_id(text)
        if identifier is None:
            phrases = self.dialect.wording.phrases
            raise Failure(Kind.MALFORMED_ID, problems={f"{phrases.root}.id": [phrases.invalid_id.format(id=text)]})
        return identifier

    # The same, on documents

    def upsert(
        self, session: Session | None, resource: Resource, raw: dict[str, Any], headers: dict[str, str]
    ) -> tuple[Record, bool]:
        """Creates or replaces the item with the document's natural key; True if it was created."""
        reader = document_reader(resource, self.dialect)
        reading = reader.read(raw, self.store)
        self._refuse_early(reader, reading, "Post")
        existing = self.store.by_key[resource.entity].get(reading.key)
        if session is not None:
            action = "create" if existing is None else "update"
            require_claim(session, resource, action)
            if reading.unknown_descriptors:
                self._refuse_descriptors(reading)
            self.authorizer.require(session, resource, reading.key or reading.document, action, proposed=True)
        self._check_conditions(existing, headers)
        targets = self._settled(reader, reading)
        body = body_of(reading.document)
        if existing is not None:
            self.store.replace(existing, reading.key, body, targets)
            return existing, False
        self._refuse_taken_key(resource, reading)
        return self.store.insert(resource, reading.key, body, targets), True

    def replace(
        self,
        session: Session | None,
        resource: Resource,
        record_id: str,
        raw: dict[str, Any],
        headers: dict[str, str],
    ) -> Record:
        """Replaces the item with an id; what happens to a changed key depends on resource and dialect."""
        reader = document_reader(resource, self.dialect)
        reading = reader.read(raw, self.store)
        self._check_body_id(raw, reading)
        self._refuse_early(reader, reading, "Put")
        self._refuse_other_id(raw, record_id)
        if session is not None and self.dialect.claims_before_look_up:
            require_claim(session, resource, "update")
            self._refuse_descriptors(reading)
        record = self.store.collections[resource.name].by_id.get(record_id)
        if record is None:
            raise self._missing(Kind.NOT_FOUND_UPDATE, headers)
        if session is not None:
            require_claim(session, resource, "update")
            self.authorizer.require(session, resource, record.key, "update")
        self._check_conditions(record, headers)
        if reading.key != record.key:
            reading = self._with_changed_key(record, raw, reading, reader)
            if session is not None and reading.key != record.key and resource.updatable_key:
                self.authorizer.require(session, resource, reading.document, "update", proposed=True)
        targets = self._settled(reader, reading)
        if reading.key != record.key and not resource.updatable_key:
            self.store.rename_student(record, str(reading.key[0]))
        self.store.replace(record, reading.key, body_of(reading.document), targets)
        return record

    def restore(self, resource: Resource, saved: SavedRecord) -> None:
        """Takes in a record from a state file, as it was."""
        reading = document_reader(resource, self.dialect).read(saved.document, self.store)
        references = self._resolve(reading)
        self.store.adopt(
            Record(
                resource=resource,
                id=saved.id,
                number=saved.number,
                key=reading.key,
                body=body_of(reading.document),
                references=tuple(references),
                modified=saved.modified,
                change_version=saved.change_version,
            )
        )

    # Steps

    def _json_object(self, request: Request) -> dict[str, Any]:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _JSON_TYPES and not media_type.endswith("+json"):
            missing = "The 'Content-Type' header is missing."
            wrong = "The value specified in the 'Content-Type' header is not supported by this host."
            raise Failure(Kind.MEDIA_TYPE, message=wrong if media_type else missing)
        if not request.body.strip():
            raise Failure(Kind.EMPTY_BODY)
        root = self.dialect.wording.phrases.root
        strict = self.dialect.duplicate_properties == "refused"
        try:
            raw = json_without_duplicates(request.body) if strict else request.json()
        except DuplicateProperty as duplicate:
            message = "An item with the same key has already been added."
            raise Failure(Kind.BINDING, problems={f"{root}.{duplicate.path}": [message]}) from None
        except ValueError as error:
            where = f"{root}." if strict else root
            raise Failure(Kind.MALFORMED_BODY, problems={where: [str(error)]}) from None
        if raw is None:
            raise Failure(Kind.EMPTY_BODY)
        if not isinstance(raw, dict):
            message = "The JSON value could not be converted to the resource: an object is expected."
            raise Failure(Kind.MALFORMED_BODY, problems={root: [message]})
        return raw

    def _refuse_empty_put(self, identifier: str) -> None:
        """A PUT's empty body is one of the validation errors, beside an id that is none (7.2+)."""
        phrases = self.dialect.wording.phrases
        problems = {phrases.root: ["A non-empty request body is required."]}
        if internal_id(identifier) is None:
            problems[f"{phrases.root}.id"] = [phrases.invalid_id.format(id=identifier)]
        raise Failure(Kind.INVALID, problems=problems)

    def _refuse_early(self, reader: DocumentReader, reading: Reading, verb: str) -> None:
        """What is wrong with a document before anyone is asked: all of it, where there is but one validation."""
        reader.refuse_unbound(reading, verb)
        if not self.dialect.two_validations:
            reader.refuse_invalid(reading)

    def _refuse_descriptors(self, reading: Reading) -> None:
        """Unknown descriptors, with the references that don't resolve either, come before any relationship (DMS)."""
        if reading.unknown_descriptors:
            problems = {**self._unresolved(reading), **reading.unknown_descriptors}
            raise Failure(Kind.UNKNOWN_DESCRIPTORS, problems=problems)

    def _settled(self, reader: DocumentReader, reading: Reading) -> list[Record]:
        """What a caller who may write is told last; the records that the document refers to."""
        if reading.unknown_descriptors:
            self._refuse_descriptors(reading)
        if self.dialect.two_validations:
            reader.refuse_invalid(reading)
        return self._resolve(reading)

    def _check_body_id(self, raw: dict[str, Any], reading: Reading) -> None:
        """Notes an id that the body should have and hasn't (DMS)."""
        if self.dialect.id_in_put_body == "required" and raw.get("id") is None:
            reading.problem("$.id", "id is required.")

    def _refuse_other_id(self, raw: dict[str, Any], record_id: str) -> None:
        if self.dialect.id_in_put_body == "required" and internal_id(str(raw.get("id", ""))) != record_id:
            raise Failure(Kind.ID_MISMATCH)

    def _unresolved(self, reading: Reading) -> Problems:
        return {
            reference.path: [f"The referenced {reference.prop.target} item does not exist."]
            for reference in reading.references
            if self.store.find(reference.prop.target, reference.key) is None
        }

    def _resolve(self, reading: Reading) -> list[Record]:
        """The records that the document refers to, with links written beside them; Failure if one isn't there."""
        targets: list[Record] = []
        for reference in reading.references:
            target = self.store.find(reference.prop.target, reference.key)
            if target is None:
                entity = reference.prop.target
                problems = self._unresolved(reading) if self.dialect.all_references else {}
                raise Failure(Kind.UNRESOLVED_REFERENCE, entity=entity, resource=camel(entity), problems=problems)
            reference.value["link"] = link(target, self.dialect)
            targets.append(target)
        return [*targets, *reading.descriptors]

    def _missing(self, kind: Kind, headers: dict[str, str]) -> Failure:
        """The refusal for an item that isn't there, or (DMS) that should have been, whatever its etag."""
        any_version = self.dialect.any_etag and headers.get("if-match", "").strip() == "*"
        return Failure(Kind.PRECONDITION_MISSING if any_version else kind)

    def _check_conditions(self, existing: Record | None, headers: dict[str, str]) -> None:
        """412 unless the item is as the headers want it; If-Match governs where both are sent."""
        if not self.dialect.any_etag:
            if existing is not None:
                self._check_if_match(existing, headers)
        elif "if-match" in headers:
            if existing is None:
                raise Failure(Kind.PRECONDITION_MISSING)
            self._check_if_match(existing, headers)
        elif existing is not None and names_tag(headers.get("if-none-match", ""), etag(existing, self.dialect)):
            raise Failure(Kind.PRECONDITION_EXISTS)

    def _check_if_match(self, record: Record, headers: dict[str, str]) -> None:
        """412 unless the etag named, quoted or not, is the current one (ODS trims the quotes)."""
        wanted = headers.get("if-match")
        if wanted is None or (self.dialect.any_etag and wanted.strip() == "*"):
            return
        if wanted.strip().strip('"') != etag(record, self.dialect):
            raise Failure(Kind.PRECONDITION)

    def _with_changed_key(
        self, record: Record, raw: dict[str, Any], reading: Reading, reader: DocumentReader
    ) -> Reading:
        """The reading to store when a PUT's key is not the item's."""
        resource = record.resource
        if resource.updatable_key or (resource.name == "students" and self.dialect.renames_people):
            if not reading.key:
                reader.refuse_invalid(reading)
            self._refuse_taken_key(resource, reading)
            return reading
        if self.dialect.key_change == "refused":
            raise Failure(Kind.KEY_CHANGE, entity=resource.entity)
        current = record.document()
        kept = {part.path[0]: current[part.path[0]] for part in resource.key}
        kept_names = {name.lower() for name in kept}
        rest = {name: value for name, value in raw.items() if name.lower() not in kept_names}
        return reader.read({**rest, **kept}, self.store)

    def _refuse_taken_key(self, resource: Resource, reading: Reading) -> None:
        """Another item, perhaps of another subtype of the same base, has this key."""
        table = resource.base or resource.entity
        if reading.key not in self.store.by_key[table]:
            return
        names = [part.name for part in resource.key]
        if resource.base == "EducationOrganization":
            names = ["educationOrganizationId"]
        pairs = zip(names, reading.key, strict=True)
        raise Failure(
            Kind.NOT_UNIQUE,
            entity=resource.entity,
            table=table,
            names=", ".join(names),
            values=", ".join(str(value) for value in reading.key),
            key_values=",".join(f"({name} = {value})" for name, value in pairs),
        )

    def _refuse_dependents(self, record: Record) -> None:
        if not record.dependents:
            return
        named = sorted(record.dependents)
        if self.dialect.names_base_of_dependents:
            bases = {resource.entity: resource.base for resource in self.store.resources.values()}
            association = "GeneralStudentProgramAssociation"
            raise Failure(Kind.DEPENDENT, entity=association if bases[named[0]] == association else named[0])
        raise Failure(Kind.DEPENDENT, entity=", ".join(named))

    def _written(self, status: int, record: Record, url: str) -> Response:
        return Response(status, headers=[("Location", url), ("ETag", f'"{etag(record, self.dialect)}"')])
