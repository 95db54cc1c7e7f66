"""Two documents are the same if an ODS holds them to be."""

from copy import deepcopy
from typing import Any

import pytest

from edfi_cte.associations.compare import content_hash, differing, is_as_sent, without_additions
from edfi_cte.associations.model import NaturalKey, canonical_json, digest

SENT: dict[str, Any] = {
    "beginDate": "2025-08-20",
    "educationOrganizationReference": {"educationOrganizationId": 39141},
    "programReference": {
        "educationOrganizationId": 39141,
        "programName": "Agricultural Education",
        "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
    },
    "studentReference": {"studentUniqueId": "1000000007"},
    "cteProgramServices": [
        {"cteProgramServiceDescriptor": "uri://dese.mo.gov/CTEProgramServiceDescriptor#1"},
        {"cteProgramServiceDescriptor": "uri://dese.mo.gov/CTEProgramServiceDescriptor#2"},
    ],
}


def changed(**changes: Any) -> dict[str, Any]:
    return deepcopy(SENT) | changes


def test_what_a_server_adds_or_leaves_out_does_not_count():
    answered = changed(
        id="0" * 32,
        _etag="5250",
        _lastModifiedDate="2025-09-01T00:00:00Z",
        endDate=None,
        ctePrograms=[],
        programParticipationStatuses=[],
        cteProgramServices=list(reversed(SENT["cteProgramServices"])),
    )
    answered["studentReference"]["link"] = {"rel": "Student", "href": "/ed-fi/students/1"}
    answered["programReference"]["programTypeDescriptor"] = answered["programReference"][
        "programTypeDescriptor"
    ].upper()
    assert content_hash(answered) == content_hash(SENT)
    assert is_as_sent(answered, digest(canonical_json(SENT)), content_hash(SENT))


def test_what_is_kept_to_be_put_back_is_what_was_sent():
    answered = changed(id="0" * 32, _etag="5250", endDate=None, ctePrograms=[], nonTraditionalGenderStatus=False)
    answered["studentReference"]["link"] = {"rel": "Student", "href": "/ed-fi/students/1"}
    assert without_additions(answered) == SENT | {"nonTraditionalGenderStatus": False}


def test_the_properties_that_differ_are_named_each_with_what_is_there():
    answered = changed(id="0" * 32, beginDate="2025-08-21", privateCTEProgram=False)
    assert differing(answered, SENT | {"endDate": "2026-01-01"}) == {
        "beginDate": digest("'2025-08-21'"),
        "endDate": digest("None"),
        "privateCTEProgram": digest("False"),
    }
    assert differing(changed(id="0" * 32), SENT) == {}


@pytest.mark.parametrize(
    "edit",
    [
        {"endDate": "2026-01-01"},
        {"nonTraditionalGenderStatus": False},
        {"cteProgramServices": SENT["cteProgramServices"][:1]},
        {"beginDate": "2025-08-21"},
    ],
)
def test_every_edit_counts(edit: dict[str, Any]):
    assert content_hash(changed(**edit)) != content_hash(SENT)
    assert not is_as_sent(changed(**edit), digest(canonical_json(SENT)), content_hash(SENT))


def test_keys_that_an_ods_holds_to_be_one_have_one_id():
    key = NaturalKey.of(SENT)
    shouted = changed()
    shouted["programReference"] = shouted["programReference"] | {"programName": "AGRICULTURAL EDUCATION"}
    other = NaturalKey.of(shouted)
    assert other.key_id == key.key_id
    assert other.exact != key.exact
    assert NaturalKey.of(changed(beginDate="2025-08-21")).key_id != key.key_id


def test_values_cannot_run_into_each_other_in_a_key():
    first, second = changed(), changed()
    first["programReference"] = first["programReference"] | {"programName": "A1"}
    second["programReference"] = second["programReference"] | {"programName": "A"}
    second["studentReference"] = {"studentUniqueId": "11000000007"}
    assert NaturalKey.of(first).key_id != NaturalKey.of(second).key_id
