"""May this caller do this to that? Claims first, then relationships (ODS security metadata, strategies by claim)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.ods.clients import UNRESTRICTED, Session
from sandbox.ods.definitions import Resource
from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.properties import camel, pascal
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

    def subject(self, key: Key) -> Subject:
        return Subject(
            None if self.organization is None else int(key[self.organization]),
            self.organization_name,
            None if self.student is None else str(key[self.student]),
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """The education organization and the student that an item belongs to, as far as its strategy asks."""

    organization: int | None
    organization_name: str
    student: str | None


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

    def permits(self, session: Session, record: Record) -> bool:
        """May the caller read this record? (What a collection shows.)"""
        if session.client.claim_set in UNRESTRICTED:
            return True
        subject = strategy_of(record.resource, "read").subject(record.key)
        reach = self._relationships.reach(session.education_organizations)
        return self._organization_reached(subject, reach) and self._student_reached(subject, reach)

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
        return subject.student is None or not reach.isdisjoint(schools)

    def sees_all(self, session: Session, resource: Resource) -> bool:
        """No relationship is asked for when reading this resource."""
        return session.client.claim_set in UNRESTRICTED or strategy_of(resource, "read") == Strategy()

    def require(self, session: Session, resource: Resource, key: Key, action: str) -> None:
        """Failure unless the caller has the relationship that the action on this item takes."""
        if resource.is_descriptor:
            self._require_namespace(session, str(key[0]), action)
            return
        if session.client.claim_set in UNRESTRICTED:
            return
        subject = strategy_of(resource, action).subject(key)
        reach = self._relationships.reach(session.education_organizations)
        if self._organization_reached(subject, reach) and self._student_reached(subject, reach):
            return
        self._refuse_missing(subject)
        raise Failure(Kind.NO_RELATIONSHIP, **_relationship_facts(session, subject))

    def _refuse_missing(self, subject: Subject) -> None:
        """What is not there at all is told apart from what is out of reach, by some dialects."""
        missing = subject.student is not None and self._store.find("Student", (subject.student,)) is None
        if missing and self._dialect.missing_student_told_apart:
            raise Failure(Kind.NO_STUDENT)

    def _require_namespace(self, session: Session, namespace: str, action: str) -> None:
        prefixes = session.client.namespace_prefixes
        if action == "read" or namespace.startswith(tuple(prefix.lower() for prefix in prefixes)):
            return
        listed = ", ".join(f"'{prefix}'" for prefix in prefixes)
        raise Failure(Kind.WRONG_NAMESPACE, prefixes=listed, namespace=namespace)

    def _organization_reached(self, subject: Subject, reach: frozenset[int]) -> bool:
        return subject.organization is None or subject.organization in reach

    def _student_reached(self, subject: Subject, reach: frozenset[int]) -> bool:
        if subject.student is None:
            return True
        schools = self._store.schools_of.get(subject.student)
        return schools is not None and not reach.isdisjoint(schools)


def _relationship_facts(session: Session, subject: Subject) -> dict[str, Any]:
    ids = sorted(session.education_organizations)
    shown = ", ".join(str(number) for number in ids[:5]) + (", ..." if len(ids) > 5 else "")
    names = []
    # An organization that is one of the caller's own claims is accepted inline and not named.
    if subject.organization is not None and subject.organization not in session.education_organizations:
        names.append(subject.organization_name)
    if subject.student is not None:
        names.append("StudentUniqueId")
    if len(names) == 1:
        item = f"the resource item's '{names[0]}' value"
    else:
        listed = ", ".join(f"'{name}'" for name in names)
        item = f"one or more of the following properties of the resource item: {listed}"
    hint = " Hint: You may need to create a corresponding 'StudentSchoolAssociation' item."
    return {
        "claims": f"claims ({shown})" if len(ids) != 1 else f"claim ({shown})",
        "subject": item,
        "hint": hint if subject.student is not None else "",
    }
