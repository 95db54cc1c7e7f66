"""Why a relationship is missing, as each API generation explains it.

The order in which each looks is its source's: `RelationshipsAuthorizationStrategyBase` and `AuthorizationSegment-
SqlProviderBase` (v5.3), `RelationshipsAuthorizationStrategyFilterDefinitionsFactory` (v6.2, v7.1, v7.3), and
`RelationshipAuthorizationProblemDetails` (Data Management Service).
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.ods.clients import Session
from sandbox.ods.dialects import Dialect
from sandbox.ods.failures import Failure, Kind
from sandbox.ods.store import Store

_MOST_IDS = 5
_HINT = " Hint: You may need to create a corresponding 'StudentSchoolAssociation' item."
_BELOW = {"LocalEducationAgency": ("LocalEducationAgency", "School"), "School": ("School",)}
"""The kinds of education organization that one kind's claims reach (v5.3's hierarchy, as far as it is served)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The education organization and the student that an item belongs to, as far as its strategy asks.

    What it asks for and a document doesn't say is None.
    """

    asks_organization: bool
    organization: int | None
    organization_name: str
    asks_student: bool
    student: str | None


@dataclass(frozen=True, slots=True)
class Reached:
    """Which of its two parts a caller reaches; what isn't asked about counts as reached."""

    organization: bool
    student: bool


def refuse_early(subject: Subject, store: Store) -> None:
    """What v5.3 says before it looks at any relationship: even of a caller's own organization."""
    if subject.organization is None:
        return
    if store.find("EducationOrganization", (subject.organization,)) is None:
        raise Failure(Kind.NO_ORGANIZATION, id=subject.organization)


def denial(
    session: Session, subject: Subject, reached: Reached, store: Store, dialect: Dialect, *, proposed: bool
) -> Failure:
    """The refusal of a caller who lacks the relationship. `proposed`: the values are a document's."""
    absent = subject.asks_student and (subject.student is None or _is_absent("Student", subject.student, store))
    match dialect.denials:
        case "segments":
            return _by_segments(session, subject, store, absent=absent)
        case "required element" if proposed:
            return _required_element(subject, store, absent=absent) or _named(
                session, _failing(subject, reached), dms=True
            )
        case "required element":
            return _named(session, _failing(subject, reached), dms=True)
        case "not found" | "either":
            if subject.asks_organization and subject.organization is None:
                return Failure(Kind.NO_VALUE, name=subject.organization_name)
            if absent:
                ids = ", ".join(str(identifier) for identifier in sorted(session.education_organizations))
                return Failure(Kind.NO_STUDENT, ids=ids)
    return _named(session, _asked(session, subject))


def _is_absent(entity: str, value: str | int, store: Store) -> bool:
    return store.find(entity, (value,)) is None


# ODS/API 5.3: by the kinds of the claims, then in one question to the database


def _by_segments(session: Session, subject: Subject, store: Store, *, absent: bool) -> Failure:
    if not session.education_organizations:
        return Failure(Kind.NO_CLAIM_VALUES)
    if subject.asks_organization:
        if subject.organization is None:
            return Failure(Kind.NO_VALUE, name=subject.organization_name)
        failure = _by_kind(session, subject.organization, store)
        if failure is not None:
            return failure
    return Failure(Kind.NO_STUDENT if absent else Kind.NO_RELATIONSHIP)


def _by_kind(session: Session, organization: int, store: Store) -> Failure | None:
    """What the kinds alone decide: claims that are below the organization, or beside it."""
    kind = _kind(organization, store)
    kinds = {_kind(claim, store) for claim in session.education_organizations} - {""}
    above = {claim for claim in kinds if kind in _BELOW.get(claim, ())}
    if kinds and not above:
        message = " ".join(
            f"Authorization denied.  The claims associated with an identifier of '{claim}Id' cannot be used to "
            f"authorize a request associated with an identifier of '{kind}Id'."
            for claim in sorted(kinds)
        )
        return Failure(Kind.CLAIM_OF_ANOTHER_KIND, message=message)
    if kinds == {kind} and organization not in session.education_organizations:
        return Failure(Kind.OTHER_ORGANIZATION, name=f"{kind}Id")
    return None


def _kind(organization: int, store: Store) -> str:
    record = store.find("EducationOrganization", (organization,))
    return "" if record is None else record.resource.entity


# ODS/API 6.0 and later, and the Data Management Service: by the names of the values


def _asked(session: Session, subject: Subject) -> list[str]:
    """What an ODS asks its database about: not an organization that is one of the caller's own."""
    names = []
    if subject.asks_organization and subject.organization not in session.education_organizations:
        names.append(subject.organization_name)
    if subject.asks_student:
        names.append("StudentUniqueId")
    return names


def _failing(subject: Subject, reached: Reached) -> list[str]:
    """What the Data Management Service names: that which failed."""
    names = [] if reached.organization else [subject.organization_name]
    return names if reached.student else [*names, "StudentUniqueId"]


def _named(session: Session, names: list[str], *, dms: bool = False) -> Failure:
    ids = sorted(session.education_organizations)
    listed = [f"'{identifier}'" if dms else str(identifier) for identifier in ids[:_MOST_IDS]]
    shown = ", ".join([*listed, "..."] if len(ids) > _MOST_IDS else listed) or "none"
    quoted = ", ".join(f"'{name}'" for name in names)
    if len(names) == 1:
        item = f"the resource item's {quoted} value"
    else:
        item = f"one or more of the following properties of the resource item: {quoted}"
    return Failure(
        Kind.NO_RELATIONSHIP,
        claims=f"claim ({shown})" if len(ids) == 1 else f"claims ({shown})",
        subject=item,
        hint=_HINT if "StudentUniqueId" in names else "",
    )


def _required_element(subject: Subject, store: Store, *, absent: bool) -> Failure | None:
    """What a document names and isn't there has no value that could be authorized (Data Management Service)."""
    names = []
    if subject.asks_organization and (
        subject.organization is None or _is_absent("EducationOrganization", subject.organization, store)
    ):
        names.append(subject.organization_name)
    if absent:
        names.append("StudentUniqueId")
    if not names:
        return None
    quoted = ", ".join(f"'{name}'" for name in names)
    several = len(names) > 1
    return Failure(
        Kind.ELEMENT_REQUIRED,
        values="values of one or more of the following properties are required"
        if several
        else f"{quoted} value is required",
        names=f": {quoted}" if several else "",
        hint=_HINT if absent else "",
    )
