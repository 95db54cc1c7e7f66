"""The root document and the metadata that generic clients read first."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from sandbox.ods import serve
from tests.sandbox.target import Target

URLS: dict[str, dict[str, str]] = {
    "5.3": {
        "dependencies": "/metadata/data/v3/dependencies",
        "openApiMetadata": "/metadata/",
        "oauth": "/oauth/token",
        "dataManagementApi": "/data/v3/",
        "xsdMetadata": "/metadata/xsd",
    },
    "dms": {
        "dependencies": "/metadata/dependencies",
        "openApiMetadata": "/metadata/specifications",
        "oauth": "/oauth/token",
        "tokenInfo": "/oauth/token_info",
        "dataManagementApi": "/data",
        "changeQueries": "/changeQueries/v1/",
        "xsdMetadata": "/metadata/xsd",
    },
}
URLS["6.2"] = URLS["7.1"] = {**URLS["5.3"], "changeQueries": "/changeQueries/v1/"}
URLS["7.3"] = {**URLS["7.1"], "oauthTokenIntrospection": "/oauth/token_info"}
STANDARDS = {"5.3": "3.3.1-b", "6.2": "4.0.0", "7.1": "5.0.0", "7.3": "5.2.0", "dms": "5.2.0"}


@pytest.mark.needs_seeding
@pytest.mark.proven("ODS VersionController of each version; DMS General/DiscoveryAPI")
def test_the_root_document(target: Target) -> None:
    document = target.http.get(target.base_url).json()
    base = target.base_url
    assert document["urls"] == {name: base + path for name, path in URLS[target.dialect].items()}
    assert document["dataModels"][0]["name"] == "Ed-Fi"
    assert document["dataModels"][0]["version"] == STANDARDS[target.dialect]
    assert document.get("version", "dms") == target.dialect
    assert ("apiMode" in document) == (target.dialect in ("5.3", "6.2"))
    assert ("applicationName" in document) == (target.dialect in ("7.3", "dms"))
    assert document.get("suite", "3") == "3"


@pytest.mark.proven("ODS AggregateDependencyController; the published documents of dependencies")
def test_dependencies_give_the_load_order(target: Target) -> None:
    rows = target.http.get(target.urls["dependencies"]).json()
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(row["resource"], row["order"])
    chain = [
        "localEducationAgencies",
        "schools",
        "programs",
        "students",
        "studentSchoolAssociations",
        "studentCTEProgramAssociations",
    ]
    steps = [order[f"/ed-fi/{name}"] for name in chain]
    assert steps == sorted(steps)
    students = [row["operations"] for row in rows if row["resource"] == "/ed-fi/students"]
    assert students == ([["Create"]] if target.dialect == "5.3" else [["Create"], ["Update"]])


@pytest.mark.proven("ODS AggregateDependencyController: application/graphml")
def test_dependencies_as_graphml_agree_with_the_load_order(target: Target) -> None:
    rows = target.http.get(target.urls["dependencies"]).json()
    answer = target.http.get(target.urls["dependencies"], headers={"Accept": "application/graphml"})
    assert answer.headers["Content-Type"].startswith("application/graphml")
    tree = ElementTree.fromstring(answer.content)  # noqa: S314 - a sandbox of our own, or an ODS that is trusted
    namespace = "{http://graphml.graphdrawing.org/xmlns}"
    nodes = {str(node.get("id")).partition("#")[0] for node in tree.iter(f"{namespace}node")}
    edges = {(str(edge.get("source")), str(edge.get("target"))) for edge in tree.iter(f"{namespace}edge")}
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(row["resource"], row["order"])
    assert nodes == set(order)
    assert ("/ed-fi/students", "/ed-fi/studentSchoolAssociations") in edges
    assert ("/ed-fi/programTypeDescriptors", "/ed-fi/programs") in edges
    assert ("/ed-fi/schools", "/ed-fi/studentCTEProgramAssociations") in edges
    assert all(order[source] < order[name] for source, name in edges if "#" not in source + name)


def openapi(target: Target, section: str) -> dict[str, Any]:
    listed = target.http.get(target.urls["openApiMetadata"]).json()
    (url,) = (row["endpointUri"] for row in listed if row["name"] == section)
    document: dict[str, Any] = target.http.get(url).json()
    return document


@pytest.mark.proven("the published OpenAPI documents: x-Ed-Fi-isIdentity")
def test_the_openapi_document_says_what_identifies_an_item(target: Target) -> None:
    schemas = openapi(target, "Resources")["components"]["schemas"]
    association = schemas["edFi_studentCTEProgramAssociation"]
    assert sorted(association["required"]) == [
        "beginDate",
        "educationOrganizationReference",
        "programReference",
        "studentReference",
    ]
    assert association["properties"]["beginDate"]["x-Ed-Fi-isIdentity"] is True
    program = schemas["edFi_programReference"]["properties"]
    assert program["programName"] == {"type": "string", "maxLength": 60, "x-Ed-Fi-isIdentity": True}
    number = schemas["edFi_educationOrganizationReference"]["properties"]["educationOrganizationId"]
    assert number["format"] == ("int32" if target.dialect in ("5.3", "6.2") else "int64")


@pytest.mark.proven("the published OpenAPI documents of Data Standards 3.3 to 6.0")
def test_the_openapi_document_follows_the_data_standard(target: Target) -> None:
    schemas = openapi(target, "Resources")["components"]["schemas"]
    properties = schemas["edFi_studentCTEProgramAssociation"]["properties"]
    old = target.dialect in ("5.3", "6.2")
    assert {"cteProgramServices", "programParticipationStatuses"} <= set(properties)
    assert ({"ctePrograms", "services", "participationStatus"} <= set(properties)) == old
    assert ("_lastModifiedDate" in properties) == (target.dialect != "5.3")


@pytest.mark.proven("the published OpenAPI documents, descriptors")
def test_the_openapi_document_of_the_descriptors(target: Target) -> None:
    document = openapi(target, "Descriptors")
    schema = document["components"]["schemas"]["edFi_cteProgramServiceDescriptor"]
    assert schema["required"] == ["codeValue", "namespace", "shortDescription"]
    assert "cteProgramServiceDescriptorId" in schema["properties"]
    assert "/ed-fi/cteProgramServiceDescriptors" in document["paths"]


@pytest.mark.proven("the published OpenAPI documents: x-Ed-Fi-isUpdatable; ODS ApiModel.json, isUpdatable")
def test_only_resources_with_changeable_keys_are_updatable(target: Target) -> None:
    paths = openapi(target, "Resources")["paths"]
    updatable = [path for path, item in paths.items() if item.get("put", {}).get("x-Ed-Fi-isUpdatable")]
    assert updatable == ["/ed-fi/studentSchoolAssociations/{id}"]


# School years and tenants in the URL


@pytest.mark.parametrize(
    ("api", "data", "token", "bare_data"),
    [
        ("6.2", "/data/v3/2026", "/oauth/token", None),
        ("7.3", "/2026/data/v3", "/2026/oauth/token", "/{schoolYearFromRoute}/data/v3/"),
        ("dms", "/2026/data", "/2026/oauth/token", "/{schoolYearFromRoute}/data"),
    ],
)
def test_one_ods_a_school_year(api: str, data: str, token: str, bare_data: str | None) -> None:
    with serve(api=api, school_years=[2025, 2026]) as ods:
        target = Target(ods.base_url, ods.key, ods.secret, api, ods.control)
        target._urls.update(dataManagementApi=ods.base_url + data, oauth=ods.base_url + token)
        bare = target.http.get(ods.base_url).json()["urls"]["dataManagementApi"].removeprefix(ods.base_url)
        if bare_data is not None:
            assert bare == bare_data
            asked = target.http.get(f"{ods.base_url}/2026").json()["urls"]
            assert asked["dataManagementApi"].removeprefix(ods.base_url).rstrip("/") == data
            assert asked["oauth"] == ods.base_url + token
        else:
            assert bare.startswith("/data/v3/20")
        location = target.created()
        assert location.startswith(f"{ods.base_url}{data}/ed-fi/")
        assert len(ods.control.documents("studentCTEProgramAssociations", ["2026"])) == 1
        assert ods.control.documents("studentCTEProgramAssociations", ["2025"]) == []
        assert target.get(location.replace("2026", "2024")).status_code == 404


@pytest.mark.parametrize(
    ("api", "data", "token"),
    [
        ("5.3", "/data/v3/north/2026", "/north/oauth/token"),
        ("7.3", "/north/2026/data/v3", "/north/2026/oauth/token"),
    ],
)
def test_one_ods_a_tenant_and_school_year(api: str, data: str, token: str) -> None:
    with serve(api=api, school_years=[2026], tenants=["north", "south"]) as ods:
        target = Target(ods.base_url, ods.key, ods.secret, api, ods.control)
        root = target.http.get(ods.base_url).json()["urls"]
        placeholder = "{instance}" if api == "5.3" else "{tenantIdentifier}"
        assert placeholder in root["dataManagementApi"]
        target._urls.update(dataManagementApi=ods.base_url + data, oauth=ods.base_url + token)
        target.created()
        assert len(ods.control.documents("studentCTEProgramAssociations", ["north", "2026"])) == 1
        assert ods.control.documents("studentCTEProgramAssociations", ["south", "2026"]) == []
