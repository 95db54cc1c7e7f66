"""Everything that can go wrong between this client and an Ed-Fi API, as one tree.

::

    EdFiError
    ├── ConfigurationError          configuration            the connection says something that cannot be
    ├── Halted                      halted                   not sent: the caller may send nothing more
    ├── NoAnswer                                             no (whole) answer came
    │   ├── Unreachable             unreachable              refused, no such host, no route
    │   │   ├── TlsFailed           tls                      the certificate was not accepted
    │   │   └── CircuitOpen         circuit_open             not tried: the API is plainly down
    │   ├── ConnectionLost          connection_lost          broke off before the answer was whole
    │   └── TimedOut                timeout                  a deadline passed
    ├── UnusableAnswer                                       an answer that cannot be one of an Ed-Fi API
    │   ├── MalformedAnswer         malformed_answer         not the JSON that was due
    │   ├── AnswerTooLarge          answer_too_large
    │   ├── RedirectRefused         redirect_refused         to another host
    │   └── IncompleteRead          incomplete_read          fewer items than the API counts
    └── Refused                     refused                  answered with a status that is no success
        ├── AuthenticationFailed    authentication           401; 400 and 401 of the token endpoint
        ├── AuthorizationDenied     authorization            403
        │   ├── NotYetEnrolled      not_yet_enrolled         403 for want of an enrollment
        │   ├── OrganizationDenied  organization_denied      403 for an organization that isn't the key's
        │   └── RightsMissing       rights_missing           403 whatever the record: no claim, no organizations
        ├── ProfileRefused          profile_refused          a profile is demanded, or forbids this
        ├── ValidationFailed        validation               400
        │   ├── UnknownDescriptor   unknown_descriptor
        │   ├── KeyChangeRefused    key_change
        │   └── BadParameter        bad_parameter
        │       └── LimitRefused    limit_refused
        ├── NotFound                not_found                404
        │   └── WrongRoute          wrong_route              404 of the path, not of an item
        ├── Conflict                conflict                 409
        │   ├── UnresolvedReference unresolved_reference
        │   │   ├── StudentUnknown  student_unknown          whatever its status: 400, 403 or 409 by API
        │   │   └── OrganizationUnknown organization_unknown
        │   ├── NaturalKeyConflict  natural_key_conflict
        │   ├── DependentExists     dependent_exists
        │   └── ConcurrentUpdate    concurrent_update
        ├── PreconditionFailed      precondition_failed      412
        ├── RateLimited             rate_limited             429
        │   └── TooManyTokens       too_many_tokens          ODS/API 7.3+, token endpoint
        └── ServerFault             server_fault             5xx
            ├── Unavailable         unavailable              502, 503, 504, database not reached
            │   └── NotTheApi       not_the_api              whatever its status: a gateway's page, not the API's
            └── Misconfigured       misconfigured            a feature or setting on the server's side

The second column is each class's ``type``: short, stable, fit for a table's column.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from edfi_cte.errors import EdfiCteError


class Meaning(StrEnum):
    """What a refusal for want of a relationship says to a person."""

    NOT_ENROLLED = "not_enrolled"
    """The student is there, but has no enrollment with the key's education organizations (not yet, or no more)."""
    UNKNOWN = "unknown"
    """What the record names does not exist."""
    OUT_OF_REACH = "out_of_reach"
    """The key may not see it."""


class EdFiError(EdfiCteError):
    """The root of the tree. Carries no student id, payload, token or secret, in any attribute.

    ``status``           the HTTP status, or None where no answer came
    ``type``             the stable name of the class
    ``correlation_id``   the API's own id for the request (ODS/API 7.1+), for its administrator's log
    ``systemic``         True if every record would meet it, so that going on is pointless: a property of the class
    ``meanings``         what it says to a person, or the several things that it may say where the API leaves it open
    ``advice``           what to do about it
    ``outcome_unknown``  True if a write may have been carried out all the same: its answer was lost
    ``properties``       JSON paths or names of the properties that the API complains of
    ``retry_after``      seconds the API asked to be left alone, or None
    ``tries``            how often the request was sent before giving up; 0 while that is not decided
    """

    type: ClassVar[str] = "error"
    default_advice: ClassVar[str] = ""
    default_systemic: ClassVar[bool] = False
    default_meanings: ClassVar[tuple[Meaning, ...]] = ()

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        correlation_id: str | None = None,
        systemic: bool | None = None,
        advice: str | None = None,
        outcome_unknown: bool = False,
        properties: tuple[str, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.correlation_id = correlation_id
        self.systemic = self.default_systemic if systemic is None else systemic
        self.advice = self.default_advice if advice is None else advice
        self.outcome_unknown = outcome_unknown
        self.properties = properties
        self.retry_after = retry_after
        self.meanings = self.default_meanings
        self.tries = 0

    def may_mean(self, meanings: tuple[Meaning, ...]) -> None:
        """Notes what the answer leaves open: the advice of the class, and what else it may be."""
        self.meanings = meanings
        others = [_ALSO[meaning] for meaning in meanings if meaning not in self.default_meanings]
        if others:
            self.advice = f"{self.advice} Or {', or '.join(others)}: the API does not say."

    def __str__(self) -> str:
        marks = [self.type]
        if self.status is not None:
            marks.insert(0, str(self.status))
        if self.correlation_id:
            marks.append(f"correlation id {self.correlation_id}")
        if self.tries > 1:
            marks.append(f"after {self.tries} tries")
        if self.outcome_unknown:
            marks.append("may have been carried out")
        return f"{self.message} [{', '.join(marks)}] {self.advice}".rstrip()


class ConfigurationError(EdFiError):
    type = "configuration"
    default_systemic = True


class Halted(EdFiError):
    type = "halted"
    default_systemic = True


class NoAnswer(EdFiError):
    type = "no_answer"


class Unreachable(NoAnswer):
    type = "unreachable"
    default_systemic = True
    default_advice = "Check the connection's host, and that this machine may reach it (DNS, firewall, VPN, proxy)."


class TlsFailed(Unreachable):
    type = "tls"
    default_advice = (
        "Ask the API's administrator to correct the certificate, or install its authority's certificate on this "
        "machine; switch verify_tls off only on a test network."
    )


class CircuitOpen(Unreachable):
    type = "circuit_open"
    default_advice = "Wait until the API is up again, then run again: nothing is lost."


class ConnectionLost(NoAnswer):
    type = "connection_lost"
    default_advice = "Run again; if it persists, ask the network's or the API's administrator."


class TimedOut(NoAnswer):
    type = "timeout"
    default_advice = "Run again when the API is less busy, or raise the connection's timeouts."


class UnusableAnswer(EdFiError):
    type = "unusable_answer"


class MalformedAnswer(UnusableAnswer):
    type = "malformed_answer"
    default_advice = "Check that the connection's host is the Ed-Fi API and not a portal or gateway page."


class AnswerTooLarge(UnusableAnswer):
    type = "answer_too_large"
    default_advice = "Lower the connection's page_size."


class RedirectRefused(UnusableAnswer):
    type = "redirect_refused"
    default_systemic = True
    default_advice = "Put the API's final address into the connection's host."


class IncompleteRead(UnusableAnswer):
    type = "incomplete_read"
    default_advice = "Run again; if it persists, the API's count and its list disagree: tell its administrator."


class Refused(EdFiError):
    type = "refused"
    default_advice = "Show the message and the correlation id to the API's administrator."


class AuthenticationFailed(Refused):
    type = "authentication"
    default_systemic = True
    default_advice = "Check the connection's key and secret, and that they belong to this API and school year."


class AuthorizationDenied(Refused):
    type = "authorization"
    default_advice = "Ask the API's administrator what the key's claim set and education organizations allow."


_ALSO = {
    Meaning.NOT_ENROLLED: "the student is not enrolled with the key's education organizations",
    Meaning.UNKNOWN: "it does not exist there at all",
    Meaning.OUT_OF_REACH: "the education organization is not the key's",
}


class NotYetEnrolled(AuthorizationDenied):
    type = "not_yet_enrolled"
    default_advice = (
        "The API knows no enrollment of this student with the key's education organizations: "
        "send the studentSchoolAssociation first, then this again."
    )
    default_meanings = (Meaning.NOT_ENROLLED,)


class OrganizationDenied(AuthorizationDenied):
    type = "organization_denied"
    default_advice = "Ask the API's administrator which education organizations are the key's; this one is not."
    default_meanings = (Meaning.OUT_OF_REACH,)


class RightsMissing(AuthorizationDenied):
    type = "rights_missing"
    default_systemic = True
    default_advice = (
        "Ask the API's administrator to give the key's claim set this action on this resource, "
        "and the key its education organizations."
    )
    default_meanings = (Meaning.OUT_OF_REACH,)


class ProfileRefused(Refused):
    type = "profile_refused"
    default_systemic = True
    default_advice = (
        "A profile is assigned to the key: ask the API's administrator for one that takes this resource whole, "
        "or for none."
    )


class ValidationFailed(Refused):
    type = "validation"
    default_advice = "Correct the named properties at the source."


class UnknownDescriptor(ValidationFailed):
    type = "unknown_descriptor"
    default_advice = (
        "Use a value that the API's descriptor collection lists; a new one may take half an hour to be known."
    )


class KeyChangeRefused(ValidationFailed):
    type = "key_change"
    default_advice = "Delete the item and post it again."


class BadParameter(ValidationFailed):
    type = "bad_parameter"
    default_advice = "Correct the query's parameters."


class LimitRefused(BadParameter):
    """``allowed`` is the largest page the API says it takes, or None where it does not say."""

    type = "limit_refused"
    default_advice = "Lower the connection's page_size."
    allowed: int | None = None


class NotFound(Refused):
    type = "not_found"
    default_advice = "Check the resource's name and the id."


class WrongRoute(NotFound):
    type = "wrong_route"
    default_systemic = True
    default_advice = (
        "Check the resource's name, and the connection's base URL, tenant, instance, school_year and route."
    )


class Conflict(Refused):
    type = "conflict"


class UnresolvedReference(Conflict):
    type = "unresolved_reference"
    default_advice = "Load the referenced item first, then this again."
    default_meanings = (Meaning.UNKNOWN,)


class StudentUnknown(UnresolvedReference):
    type = "student_unknown"
    default_advice = "The API does not know this student: check the student's id, and send the student first."


class OrganizationUnknown(UnresolvedReference):
    type = "organization_unknown"
    default_advice = (
        "The API does not know this education organization: check its number, and that it was loaded for this year."
    )


class NaturalKeyConflict(Conflict):
    type = "natural_key_conflict"
    default_advice = (
        "Another item, perhaps of a sibling resource, has these key values: find it and decide which one is right."
    )


class DependentExists(Conflict):
    type = "dependent_exists"
    default_advice = "Delete the items that refer to this one first."


class ConcurrentUpdate(Conflict):
    type = "concurrent_update"
    default_advice = "Run again."


class PreconditionFailed(Refused):
    type = "precondition_failed"
    default_advice = "Someone changed the item since it was read: read it again, then decide."


class RateLimited(Refused):
    type = "rate_limited"
    default_systemic = True
    default_advice = "Run again later, or lower the connection's concurrency."


class TooManyTokens(RateLimited):
    type = "too_many_tokens"
    default_advice = (
        "The key has as many live tokens as the API allows (15 by default): wait until some expire, "
        "and let fewer processes use the key at once."
    )


class ServerFault(Refused):
    type = "server_fault"
    default_advice = "Run again; if it persists, show the correlation id to the API's administrator."


class Unavailable(ServerFault):
    type = "unavailable"
    default_systemic = True
    default_advice = "Run again when the API is up."


class NotTheApi(Unavailable):
    """What lies between (gateway, firewall, proxy) answered in the place of the API, which may have done its part."""

    type = "not_the_api"
    default_advice = (
        "Something between here and the API (a gateway, firewall or proxy) answered in its place. Run again later; "
        "if it persists, show the time and the status to its operator, and check the connection's host."
    )


class Misconfigured(ServerFault):
    type = "misconfigured"
    default_systemic = True
    default_advice = "Only the API's administrator can correct this: show the message and the correlation id."
