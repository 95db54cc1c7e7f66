# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The page's Resource Preferences and Event Queue rows: programs, participation and certifications, on every API."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from edfi_cte.associations.plan import Action, Cause
from edfi_cte.ledger import runs
from sandbox.campus.programs import PARTS
from sandbox.ods import serve
from tests.sync.campus import Campus
from tests.sync.ods_seed import EDORG, seed
from tests.sync.world import RESOURCE, World

APIS = ("5.3", "6.2", "7.1", "7.3", "dms")
CORE = "uri://ed-fi.org"
NOT_PASSED, PASSED = (f"{CORE}/TechnicalSkillsAssessmentDescriptor#{value}" for value in ("Not Passed", "Passed"))
PREFERENCES: dict[str, Any] = {
    "program_type_descriptor": f"{CORE}/ProgramTypeDescriptor#Career and Technical Education",
    "program_name": {"source": "label", "mapping": {"0110": "Agricultural Education"}},
    "career_cluster": {"mapping": {"8": f"{CORE}/CTEProgramServiceDescriptor#Health Science"}},
    "career_pathway": {
        "Nursing": f"{CORE}/CareerPathwayDescriptor#Health Science",
        "Nursing II": f"{CORE}/CareerPathwayDescriptor#Other",
    },
    "student_status": {"1": False, "2": False, "3": True},
    "certification_status": {
        "passing": PASSED,
        "attempted": NOT_PASSED,
        "none": f"{CORE}/TechnicalSkillsAssessmentDescriptor#Did Not Take",
    },
    "send_end_date": True,
}
"""Every optional mapping."""


@pytest.fixture(scope="module")
def apis() -> Iterator[Callable[[str], Any]]:
    with ExitStack() as stack:
        running: dict[str, Any] = {}

        def of(api: str) -> Any:
            if api not in running:
                running[api] = stack.enter_context(serve(seed=seed(), api=api))
            running[api].control.reset()
            return running[api]

        yield of


@pytest.fixture(params=APIS)
def world(request: pytest.FixtureRequest, apis: Callable[[str], Any], tmp_path: Path) -> World:
    """Enrollment 1's student takes part in Nursing, with a certification attempted; enrollment 2's in nothing."""
    made = World({2026: apis(request.param)}, tmp_path)
    made.settings["targets"][0]["campus_mapping"] = PARTS
    made.settings["preferences"]["default"] = PREFERENCES
    made.campus.add(1, endDate=datetime(2026, 5, 20))
    made.campus.add(2, person=2)
    made.campus.tables |= {
        "Program": [
            {"programID": 1, "name": "Nursing", "stateCode": "51.3801"},
            {"programID": 2, "name": "Chess Club", "stateCode": None},
        ],
        "ProgramParticipation": [
            taking_part(1, program=1, start=datetime(2024, 9, 3), status="2"),
            taking_part(2, program=2, start=datetime(2025, 9, 3)),
        ],
        "ProgramCertification": [{"certificationID": 1, "personID": 1, "programID": 1, "status": "Attempted"}],
    }
    made.run()
    with made.ledger.connect() as connection:
        target = runs.get_target(connection, "039141-2026")
    assert target
    major, minor = str(target.data_standard).split(".")[:2]
    made.data_standard = (int(major), int(minor))
    return made


def taking_part(number: int, program: int, start: datetime, status: str | None = None) -> dict[str, Any]:
    return {
        "participationID": number,
        "personID": 1,
        "programID": program,
        "startDate": start,
        "endDate": None,
        "studentStatus": status,
    }


def has_cte_programs(world: World) -> bool:
    return world.data_standard < (5, 0)


def document_of(world: World, student: str) -> dict[str, Any]:
    [found] = [
        document
        for document in world.odses[2026].control.documents(RESOURCE)
        if document["studentReference"]["studentUniqueId"] == student
    ]
    return found


def test_the_pages_data_elements_with_every_optional_mapping(world: World):
    found = document_of(world, "1000000001")
    program = found["programReference"]
    assert found["id"]
    assert found["beginDate"] == "2025-08-20"
    assert found["endDate"] == "2026-05-20"
    assert found["educationOrganizationReference"]["educationOrganizationId"] == EDORG
    assert program["educationOrganizationId"] == EDORG
    assert program["programName"] == "Health Sciences"
    assert program["programTypeDescriptor"] == PREFERENCES["program_type_descriptor"]
    assert found["cteProgramServices"] == [
        {"cteProgramServiceDescriptor": f"{CORE}/CTEProgramServiceDescriptor#Health Science"}
    ]
    assert found["technicalSkillsAssessmentDescriptor"] == NOT_PASSED
    item = {
        "careerPathwayDescriptor": PREFERENCES["career_pathway"]["Nursing"],
        "cteProgramCompletionIndicator": False,
    }
    assert found.get("ctePrograms") == ([item] if has_cte_programs(world) else None)
    other = document_of(world, "1000000002")
    assert other["technicalSkillsAssessmentDescriptor"].endswith("#Did Not Take")
    assert other.get("ctePrograms", []) == []
    assert world.there() == world.expected()


def rename(campus: Campus) -> None:
    campus.tables["Program"][0]["name"] = "Nursing II"


def complete(campus: Campus) -> None:
    campus.tables["ProgramParticipation"][0]["studentStatus"] = "3"


def leave(campus: Campus) -> None:
    campus.tables["ProgramParticipation"][0]["endDate"] = datetime(2025, 5, 1)


def pass_certification(campus: Campus) -> None:
    campus.tables["ProgramCertification"][0]["status"] = "Passing"


def lose_certification(campus: Campus) -> None:
    campus.tables["ProgramCertification"].clear()


@pytest.mark.parametrize(
    ("edit", "shown_by_data_standard_5"),
    [(rename, False), (complete, False), (leave, True), (pass_certification, True), (lose_certification, True)],
)
def test_put_when_a_program_a_participation_or_a_certification_changes(
    world: World, edit: Callable[[Campus], None], shown_by_data_standard_5: bool
):
    edit(world.campus)
    result = world.run()
    sent = {name: n for name, n in result.counts["sent"].items() if n}
    changes = has_cte_programs(world) or shown_by_data_standard_5
    assert sent == ({Action.PUT: 1} if changes else {})
    assert result.counts["because of"] == ({Cause.VALUE_CHANGED: 1} if changes else {})
    assert world.there() == world.expected()
    assert world.run().counts["planned"] == {}
