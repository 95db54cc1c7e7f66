"""A typed document says the same of what was sent as the comparison part by part does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edfi_cte.associations.compare import content_hash, is_as_sent
from edfi_cte.associations.documents import Document, decode_page
from edfi_cte.associations.model import canonical_json, digest

SENT: dict[str, Any] = {
    "beginDate": "2025-08-20",
    "educationOrganizationReference": {"educationOrganizationId": 39141},
    "programReference": {
        "educationOrganizationId": 39141,
        "programName": "Health Sciences",
        "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
    },
    "studentReference": {"studentUniqueId": "1000000001"},
    "cteProgramServices": [{"cteProgramServiceDescriptor": "uri://dese.mo.gov/CTEProgramServiceDescriptor#8"}],
}
FULL = SENT | {
    "endDate": "2026-05-20",
    "ctePrograms": [
        {"careerPathwayDescriptor": "uri://a.b/CareerPathwayDescriptor#É", "cteProgramCompletionIndicator": True}
    ],
    "technicalSkillsAssessmentDescriptor": "uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#Passed",
}
LINK = {"rel": "Student", "href": "/ed-fi/students/1"}
ADDED = {"id": "a" * 32, "_etag": "5250549072770532432", "_lastModifiedDate": "2025-09-01T00:00:00Z"}
EMPTY = {
    "programParticipationStatuses": [],
    "services": [],
    "reasonExitedDescriptor": None,
    "participationStatus": None,
    "privateCTEProgram": None,
}


def as_an_ods_gives_it(sent: dict[str, Any]) -> dict[str, Any]:
    linked = {name: value | {"link": LINK} if isinstance(value, dict) else value for name, value in sent.items()}
    return ADDED | EMPTY | linked


def decoded(*documents: Any) -> list[Document] | None:
    return decode_page(json.dumps(documents).encode())


@pytest.mark.parametrize("sent", [SENT, FULL])
def test_what_says_to_the_letter_what_was_sent_has_its_digest(sent: dict[str, Any]):
    [document] = decoded(as_an_ods_gives_it(sent)) or []
    assert document.sent_digest() == digest(canonical_json(sent))
    assert document.sent_digest() == digest(canonical_json(sent)), "it is as it was after the first time"
    assert (document.id, document.etag, document.modified) == tuple(ADDED.values())
    assert content_hash(document.plain()) == content_hash(sent)


OTHERS = [
    {"beginDate": "2025-08-21"},
    {"endDate": None},
    {"ctePrograms": []},
    {"servedOutsideOfRegularSession": False},
    {"services": [{"serviceDescriptor": "uri://a.b/ServiceDescriptor#1"}]},
    {"programParticipationStatuses": [{"participationStatusDescriptor": "uri://a.b/XDescriptor#1"}]},
    {"participationStatus": {"statusBeginDate": "2025-08-20"}},
    {"studentReference": {"studentUniqueId": "1000000002", "link": LINK}},
    {"cteProgramServices": [{"cteProgramServiceDescriptor": "uri://x.y/CTEProgramServiceDescriptor#9"}]},
    {"cteProgramServices": FULL["cteProgramServices"] + [{"cteProgramServiceDescriptor": "uri://x.y/ZDescriptor#9"}]},
    {"cteProgramServices": [FULL["cteProgramServices"][0] | {"primaryIndicator": True}]},
]


@pytest.mark.parametrize("change", OTHERS)
def test_what_another_client_has_changed_has_another(change: dict[str, Any]):
    [document] = decoded(as_an_ods_gives_it(FULL) | change) or []
    assert document.sent_digest() != digest(canonical_json(FULL))
    assert content_hash(document.plain()) == content_hash(as_an_ods_gives_it(FULL) | change) != content_hash(FULL)


@pytest.mark.parametrize(
    "strange",
    [
        {"_ext": {"tpdm": {"a": 1}}},
        {"newProperty": 1},
        {"cteProgramServices": [FULL["cteProgramServices"][0] | {"newProperty": 1}]},
        {"ctePrograms": [FULL["ctePrograms"][0] | {"newProperty": 1}]},
        {"beginDate": None},
        {"studentReference": {}},
        {"privateCTEProgram": "true"},
    ],
)
def test_a_page_with_a_document_of_another_shape_is_left_to_the_long_way(strange: dict[str, Any]):
    assert decoded(as_an_ods_gives_it(SENT), as_an_ods_gives_it(SENT) | strange) is None


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"[null]", b"<html>", b'[{"id": 1}]', b"\xff"])
def test_what_is_no_page_is_left_to_the_long_way(body: bytes):
    assert decode_page(body) is None


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
SERVICES = st.lists(
    st.fixed_dictionaries(
        {"cteProgramServiceDescriptor": TEXT}, optional={"cipCode": TEXT, "primaryIndicator": st.booleans()}
    ),
    min_size=1,
    max_size=2,
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "beginDate": TEXT,
        "endDate": st.none() | TEXT,
        "cteProgramServices": SERVICES,
        "technicalSkillsAssessmentDescriptor": st.none() | TEXT,
        "privateCTEProgram": st.none() | st.booleans(),
        "studentReference": st.fixed_dictionaries({"studentUniqueId": TEXT}),
    },
)


@given(CHANGES, CHANGES)
def test_one_digest_never_says_the_same_where_the_long_way_says_otherwise(
    ours: dict[str, Any], theirs: dict[str, Any]
):
    sent = {name: value for name, value in (FULL | ours).items() if value is not None}
    there = as_an_ods_gives_it(FULL | theirs)
    [document] = decoded(there) or []
    payload_hash = digest(canonical_json(sent))
    if document.sent_digest() == payload_hash:
        assert is_as_sent(there, payload_hash, content_hash(sent))
    if there == as_an_ods_gives_it(sent):
        assert document.sent_digest() == payload_hash
