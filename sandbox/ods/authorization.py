"""May this caller do this to that? Claims first, then relationships (ODS security metadata, strategies by claim)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.ods.clients import UNRESTRICTED, Session
from sandbox.ods.denials import Reached, Subject, denial, refuse_early
from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.properties import camel, pascal
from sandbox.ods.resources import Resource
from sandbox.ods.store import Key, Record, Store

_CLAIM_URIS = "http://ed-fi.org/ods/identity/claims"
_RELATIONSHIP_CLAIMS = frozenset({"relationshipBasedData", "primaryRelationships"})


def require_claim(session: Session, resource: Resource, action: str) -> None:
    """Failure unless the caller's claim set grants the action on the resource's claim."""
    actions = session.client.claims.get(resource.claim)
    if actions is not None and action in actions:
        return
    uris = (f"{_CLAIM_URIS}/{camel(resource.entity)}", f"{_CLAIM_URIS}/domains/{resource.claim}")
    raise Failure(
        Kind.NO_CLAIM if actions is None else Kind.NO_ACTION,
        claim_set=session.client.claim_set,
        claims=", ".join(f"'{uri}'" for uri in uris),
        action=action,
        verb=action[:1].upper() + action[1:],
    )


class Relationships:
    """Which education organizations a caller reaches in one ODS: its own and everything below them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._revision = -1
        self._reach: dict[frozenset[int], frozenset[int]] = {}

    def reach(self, organizations: frozenset[int]) -> frozenset[int]:
        if self._revision != self._store.organization_revision:
            self._reach.clear()
            self._revision = self._store.organization_revision
        known = self._reach.get(organizations)
        if known is None:
            known = self._reach[organizations] = self._expand(organizations)
        return known

    def _expand(self, organizations: frozenset[int]) -> frozenset[int]:
        children: dict[int, list[int]] = {}
        for name in ("localEducationAgencies", "schools"):
            for record in self._store.collections[name].by_id.values():
                for target in record.references:
                    if target.resource.base == "EducationOrganization":
                        children.setdefault(int(target.key[0]), []).append(int(record.key[0]))
        reached = set(organizations)
        waiting = list(organizations)
        while waiting:
            for child in children.get(waiting.pop(), ()):
                if child not in reached:
                    reached.add(child)
                    waiting.append(child)
        return frozenset(reached)


@dataclass(frozen=True)
class Strategy:
    """Which parts of a natural key an action's relationship hangs on (None: that part is not asked about)."""

    organization: int | None = None
    organization_name: str = ""
    student: int | None = None

    @property
    def asks_nothing(self) -> bool:
        return self.organization is None and self.student is None

    def subject(self, key: Key) -> Subject:
        """Of an item that is stored, or was."""
        return Subject(
            self.organization is not None,
            None if self.organization is None else int(key[self.organization]) or None,
            self.organization_name,
            self.student is not None,
            None if self.student is None else str(key[self.student]),
        )

    def subject_of(self, resource: Resource, document: dict[str, Any]) -> Subject:
        """Of a document as sent, whose key may have gaps."""
        organization = _part(resource, self.organization, document)
        student = _part(resource, self.student, document)
        return Subject(
            self.organization is not None,
            organization or None,  # 0 is .NET's "not there"
            self.organization_name,
            self.student is not None,
            None if student is None else str(student),
        )


def _part(resource: Resource, index: int | None, document: dict[str, Any]) -> Any:
    if index is None:
        return None
    value: Any = document
    for name in resource.key[index].path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


@cache
def strategy_of(resource: Resource, action: str) -> Strategy:
    """The relationship that an action on a resource takes.

    People are created and deleted without a relationship; studentSchoolAssociations are created by their school
    alone; ProgramEducationOrganizationId is role-named and never looked at.
    """
    names = [part.name for part in resource.key]
    if resource.claim == "people":
        return Strategy() if action in ("create", "delete") else Strategy(student=0)
    if resource.claim not in _RELATIONSHIP_CLAIMS:
        return Strategy()
    name = "schoolId" if "schoolId" in names else "educationOrganizationId"
    by_school_alone = resource.claim == "primaryRelationships" and action == "create"
    has_student = names[-1] == "studentUniqueId" and not by_school_alone
    return Strategy(names.index(name), pascal(name), len(names) - 1 if has_student else None)


class Authorizer:
    """The relationship checks of one ODS."""

    def __init__(self, store: Store, dialect: Dialect) -> None:
        self._store = store
        self._dialect = dialect
        self._relationships = Relationships(store)
        self._looks_early = dialect.denials == "segments"

    def permits(self, session: Session, record: Record) -> bool:
        """May the caller read this record? (What a collection shows.)"""
        if session.client.claim_set in UNRESTRICTED:
            return True
        return self._reaches(strategy_of(record.resource, "read"), session, record.key)

    def permits_change(self, session: Session, resource: Resource, key: Key) -> bool:
        """May the caller read that this key is gone or changed?

        The strategies of ReadChanges (`…IncludingDeletes`) also count the enrollments that there were.
        """
        if session.client.claim_set in UNRESTRICTED:
            return True
        subject = strategy_of(resource, "readChanges").subject(key)
        reach = self._relationships.reach(session.education_organizations)
        if not self._organization_reached(subject, reach):
            return False
        schools = self._store.past_schools_of.get(subject.student or "", set())
        return not subject.asks_student or not reach.isdisjoint(schools)

    def sees_all(self, session: Session, resource: Resource) -> bool:
        """No relationship is asked for when reading this resource."""
        return session.client.claim_set in UNRESTRICTED or strategy_of(resource, "read").asks_nothing

    def _reaches(self, strategy: Strategy, session: Session, key: Key) -> bool:
        """May the caller do to an item with this key what the strategy governs? (The usual case, quickly.)"""
        reach = self._relationships.reach(session.education_organizations)
        if strategy.organization is not None and key[strategy.organization] not in reach:
            return False
        if strategy.student is None:
            return True
        schools = self._store.schools_of.get(str(key[strategy.student]))
        return schools is not None and not reach.isdisjoint(schools)

    def require(
        self, session: Session, resource: Resource, item: Key | dict[str, Any], action: str, *, proposed: bool = False
    ) -> None:
        """Failure unless the caller has the relationship that the action on an item takes.

        `item` is a stored item's key or a document as sent; `proposed`: a document's values, not the stored ones.
        """
        if resource.is_descriptor:
            namespace = item.get("namespace", "") if isinstance(item, dict) else item[0]
            self._require_namespace(session, str(namespace).lower(), action)
            return
        if session.client.claim_set in UNRESTRICTED:
            return
        strategy = strategy_of(resource, action)
        if strategy.asks_nothing:
            return
        if not self._looks_early and isinstance(item, tuple) and self._reaches(strategy, session, item):
            return
        subject = strategy.subject_of(resource, item) if isinstance(item, dict) else strategy.subject(item)
        if self._looks_early:
            refuse_early(subject, self._store)
        reach = self._relationships.reach(session.education_organizations)
        organization, student = self._organization_reached(subject, reach), self._student_reached(subject, reach)
        if not (organization and student):
            reached = Reached(organization, student)
            raise denial(session, subject, reached, self._store, self._dialect, proposed=proposed)

    def _require_namespace(self, session: Session, namespace: str, action: str) -> None:
        prefixes = session.client.namespace_prefixes
        if action == "read" or namespace.startswith(tuple(prefix.lower() for prefix in prefixes)):
            return
        listed = ", ".join(f"'{prefix}'" for prefix in prefixes)
        raise Failure(Kind.WRONG_NAMESPACE, prefixes=listed, namespace=namespace)

    def _organization_reached(self, subject: Subject, reach: frozenset[int]) -> bool:
        return not subject.asks_organization or subject.organization in reach

    def _student_reached(self, subject: Subject, reach: frozenset[int]) -> bool:
        if not subject.asks_student:
            return True
        schools = self._store.schools_of.get(subject.student or "")
        return schools is not None and not reach.isdisjoint(schools)
