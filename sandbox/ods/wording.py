"""What an API generation says no with: status, body and messages of every `failures.Kind`.

The words themselves are in `wording_text` (ODS/API up to 7.1), `wording_problems` (7.2 and later) and `wording_dms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.ods.failures import Failure, Kind
from sandbox.ods.properties import Property

BodyFormat = Literal["message", "message with correlation id", "problem details", "dms"]


@dataclass(frozen=True, slots=True)
class Template:
    """One refusal's status and sentences; `{names}` are filled from the failure's facts.

    `shows_problems`: the paths and messages go into `validationErrors` (or `modelState`). `empty`: no body at all.
    """

    status: int
    detail: str = ""
    type: str = ""
    title: str = ""
    errors: tuple[str, ...] = ()
    shows_problems: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Phrases:
    """The messages about single properties.

    `pascal`: properties are named `BeginDate`, else `beginDate`. `root`: how the path to a property starts.
    """

    pascal: bool
    root: str = "$"
    required: str = "{name} is required."
    unresolved_person: str = "{person} reference could not be resolved."
    descriptor_suffix: str = ""
    """What a required descriptor is called beyond its name: an entity holds its id (up to 7.1)."""
    empty: str = "{name} is required and should not be left empty."
    zero: str = "{name} value must be different than 0."
    no_items: str = "{name} must have at least one item."
    too_long: str = "{name} must be at most {maximum} characters in length."
    length: str = "{name} must be between {minimum} and {maximum} characters in length."
    number_range: str = "{name} must be between {minimum} and {maximum}."
    spaces: str = "{name} cannot contain leading or trailing spaces."
    dangerous: str = (
        "{name} contains a value that could be dangerous for downstream systems using this data. "
        "Try to avoid the use of special symbols like '<', '>' or '&' without surrounding spaces."
    )
    """Empty where any text will do."""
    duplicate: str = (
        "The {ordinal} item of the {name} has the same identifying values as another item earlier in the list."
    )
    unknown_descriptor: str = "{descriptor} value '{uri}' does not exist."
    malformed_descriptor: str = (
        "'{uri}' is not a valid value for use as a descriptor (a '#' is expected to delimit the namespace and code "
        "value)."
    )
    partial_reference: str = "{name} is missing the following properties: {missing}"
    conflicting: str = (
        "All values supplied for '{name}' must match. Review all references and align the following conflicting "
        "values: {values}"
    )
    inconsistent: str = "Supplied values for unified key property '{name}' on '{entity}' are not consistent: {pairs}"
    wrong_type: str = "Could not convert {found} to {expected}: {value}. Path '{path}', line 1, position 1."
    wrong_integer: str = "Error converting value {value} to type '{type}'. Path '{path}', line 1, position 1."
    wrong_date: str = "String '{value}' was not recognized as a valid date."
    invalid_id: str = "The value '{id}' is not valid."

    def name(self, prop: Property) -> str:
        return prop.label if self.pascal else prop.name


@dataclass(frozen=True, eq=False, slots=True)
class Wording:
    """Everything one API generation says."""

    format: BodyFormat
    phrases: Phrases
    templates: Mapping[Kind, Template]

    def body(self, failure: Failure, correlation_id: str) -> tuple[int, dict[str, Any] | None]:
        """The status and the JSON body (None: an empty one) of a refusal."""
        template = self.templates[failure.kind]
        if template.empty:
            return template.status, None
        facts = _facts(failure)
        detail = template.detail.format(**facts)
        problems = failure.facts.get("problems") if template.shows_problems else None
        if self.format in ("message", "message with correlation id"):
            message: dict[str, Any] = {"message": detail}
            if problems:
                message["modelState"] = problems
            if self.format == "message with correlation id":
                message["correlationId"] = correlation_id
            return template.status, message
        told = facts.get("messages")
        errors = list(told) if isinstance(told, tuple) else [error.format(**facts) for error in template.errors]
        document: dict[str, Any] = {
            "detail": detail,
            "type": template.type.format(**facts),
            "title": template.title,
            "status": template.status,
            "correlationId": correlation_id,
        }
        if problems or (self.format == "dms" and failure.kind is not Kind.UNAUTHENTICATED):
            document["validationErrors"] = problems or {}
        if errors or self.format == "dms":
            document["errors"] = errors
        return template.status, document


def _facts(failure: Failure) -> dict[str, object]:
    """The failure's facts, and the sentences that several dialects build from them."""
    facts = dict(failure.facts)
    problems = facts.get("problems")
    if isinstance(problems, dict):
        facts["lines"] = "".join(f"\t{message}\n" for messages in problems.values() for message in messages)
    return facts
