"""Filling an empty Ed-Fi API with the sample district (docker-compose.yaml, profile ed-fi)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import fill
from sandbox.campus import DISTRICT_NUMBER
from sandbox.ods import serve

DISTRICT = int(DISTRICT_NUMBER)
CATEGORY = "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#District"
KIND = "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Regular"
PROGRAM_TYPE = "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education"


def descriptor(resource: str, value: str) -> dict[str, str]:
    namespace = f"uri://ed-fi.org/{resource[0].upper()}{resource[1:]}"
    return {"namespace": namespace, "codeValue": value, "shortDescription": value}


SEED = {
    "programs": [
        {
            "educationOrganizationReference": {"educationOrganizationId": DISTRICT},
            "programName": "Agriculture",
            "programTypeDescriptor": PROGRAM_TYPE,
        }
    ],
    "localEducationAgencies": [
        {
            "localEducationAgencyId": DISTRICT,
            "nameOfInstitution": "Sample R-II School District",
            "categories": [{"educationOrganizationCategoryDescriptor": CATEGORY}],
            "localEducationAgencyCategoryDescriptor": KIND,
        }
    ],
    "localEducationAgencyCategoryDescriptors": [descriptor("localEducationAgencyCategoryDescriptor", "Regular")],
    "educationOrganizationCategoryDescriptors": [descriptor("educationOrganizationCategoryDescriptor", "District")],
    "programTypeDescriptors": [descriptor("programTypeDescriptor", "Career and Technical Education")],
}


@pytest.fixture
def empty_ods(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an Ed-Fi API without a document."""
    with serve(seed={}, claim_set="Ed-Fi Sandbox", education_organizations=[DISTRICT]) as ods:
        monkeypatch.setenv("EDFI_KEY", ods.key)
        monkeypatch.setenv("EDFI_SECRET", ods.secret)
        yield ods.base_url


def test_each_resource_is_posted_after_those_it_refers_to(
    empty_ods: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED))

    assert fill.main([empty_ods, str(seed)]) == 0
    assert "programs: 1 created, 0 known" in capsys.readouterr().out

    assert fill.main([empty_ods, str(seed)]) == 0
    assert "programs: 0 created, 1 known" in capsys.readouterr().out


def test_what_the_api_refuses_is_told_without_the_document(
    empty_ods: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED | {"programTypeDescriptors": []}))

    assert fill.main([empty_ods, str(seed)]) == 1

    said = capsys.readouterr().out
    assert "programs: 0 created, 0 known. 1 unknown_descriptor (items 1)" in said
    assert "Agriculture" not in said
