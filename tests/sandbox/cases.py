"""Rows of the refusal tables, and what they are built of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.sandbox.answers import DATA, SEE_VALIDATION, Answer, message, problem
from tests.sandbox.target import WORLD, Target, association

UNKNOWN_ID = "0123456789abcdef0123456789abcdef"
PROGRAM_NAME_65 = "x" * 65
UNKNOWN_TYPE = "uri://ed-fi.org/ProgramTypeDescriptor#No Such Type"


@dataclass(frozen=True)
class Case:
    """One row: what is asked, and what each dialect answers. Dialects that are not named have no such row.

    `proof`: suite and request, or source, in which the real APIs' behaviour is proven.
    """

    name: str
    proof: str
    ask: Callable[[Target], httpx.Response]
    answers: Mapping[str, Answer]


def same(answer: Answer, *dialects: str) -> dict[str, Answer]:
    return dict.fromkeys(dialects, answer)


def invalid(lines: str, path: str, text: str, dms_text: str = "", dms_path: str = "") -> dict[str, Answer]:
    """A failed validation: `lines` up to 7.1, `text` at `path` from 7.2 on."""
    legacy = message(400, f"Validation of 'StudentCTEProgramAssociation' failed.\n{lines}")
    answers = {**same(legacy, "5.3", "6.2"), "7.3": problem(400, DATA, SEE_VALIDATION, where={path: [text]})}
    answers["7.1"] = legacy
    if dms_text:
        answers["dms"] = problem(400, DATA, SEE_VALIDATION, where={dms_path or path: [dms_text]}, dms=True)
    return answers


def program(**changes: Any) -> dict[str, Any]:
    return {**association()["programReference"], **changes}


def services(*values: str) -> list[dict[str, Any]]:
    return [{"cteProgramServiceDescriptor": value} for value in values]


def shared_key(target: Target) -> httpx.Response:
    """The six key values in another subtype first: they live in one base table."""
    plain = association(nonTraditionalGenderStatus=None, cteProgramServices=None)
    target.created(plain, "/ed-fi/studentProgramAssociations")
    answer = target.post(association())
    for row in target.get("/ed-fi/studentProgramAssociations", studentUniqueId=WORLD.student).json():
        if row["beginDate"] == plain["beginDate"]:
            target.call("DELETE", f"/ed-fi/studentProgramAssociations/{row['id']}")
    return answer


KEY_NAMES = (
    "beginDate, educationOrganizationId, programEducationOrganizationId, programName, programTypeDescriptor, "
    "studentUniqueId"
)
KEY_VALUES = f"2019-08-23, {WORLD.district}, {WORLD.district}, {WORLD.program}, {WORLD.program_type}, {WORLD.student}"
KEY_PAIRS = ",".join(
    f"({name} = {value})"
    for name, value in zip(
        KEY_NAMES.split(", "),
        ("2019-08-23", WORLD.district, WORLD.district, WORLD.program, WORLD.program_type, WORLD.student),
        strict=True,
    )
)
PROGRAM_REFERENCE = "$.programReference"
NOT_DANGEROUS = (
    "ProgramName contains a value that could be dangerous for downstream systems using this data. Try to avoid the "
    "use of special symbols like '<', '>' or '&' without surrounding spaces."
)
DMS_RESOLVE = "One or more references could not be resolved. See 'validationErrors' for details."
COULD_NOT = "Could not convert string to boolean: perhaps. Path 'privateCTEProgram', line 1, position 1."


def with_item(ask: Callable[[Target, str], httpx.Response]) -> Callable[[Target], httpx.Response]:
    """Asks for something about an association that was just created."""
    return lambda target: ask(target, target.created())
