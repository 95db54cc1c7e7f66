"""What the contract cases talk to: a sandbox of some dialect, or a real ODS named by environment variables."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.ods import Control
from sandbox.ods.seed import DISTRICT, PROGRAM, SCHOOL, STUDENTS

REAL_URL = os.environ.get("EDFI_TEST_BASE_URL", "")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class World:
    """What has to be in the ODS before the cases run; the defaults are the sandbox's built-in district."""

    district: int = int(os.environ.get("EDFI_TEST_EDUCATION_ORGANIZATION_ID", str(DISTRICT)))
    school: int = int(os.environ.get("EDFI_TEST_SCHOOL_ID", str(SCHOOL)))
    program: str = os.environ.get("EDFI_TEST_PROGRAM_NAME", PROGRAM)
    program_type: str = os.environ.get("EDFI_TEST_PROGRAM_TYPE", f"uri://ed-fi.org/ProgramTypeDescriptor#{PROGRAM}")
    service: str = os.environ.get("EDFI_TEST_SERVICE", "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science")
    student: str = os.environ.get("EDFI_TEST_STUDENT", STUDENTS[0][0])
    """Enrolled in the district."""
    other_student: str = os.environ.get("EDFI_TEST_OTHER_STUDENT", STUDENTS[1][0])
    """Enrolled, too."""
    student_without_enrollment: str = os.environ.get("EDFI_TEST_STUDENT_NOT_ENROLLED", STUDENTS[3][0])


WORLD = World()
ASSOCIATIONS = "/ed-fi/studentCTEProgramAssociations"


def association(**changes: Any) -> dict[str, Any]:
    """A valid association of the enrolled student; a value of None takes a property out."""
    document: dict[str, Any] = {
        "beginDate": "2019-08-23",
        "educationOrganizationReference": {"educationOrganizationId": WORLD.district},
        "programReference": {
            "educationOrganizationId": WORLD.district,
            "programName": WORLD.program,
            "programTypeDescriptor": WORLD.program_type,
        },
        "studentReference": {"studentUniqueId": WORLD.student},
        "nonTraditionalGenderStatus": True,
        "cteProgramServices": [
            {"cteProgramServiceDescriptor": WORLD.service, "cipCode": "11.0103", "primaryIndicator": True}
        ],
    }
    document.update(changes)
    return {name: value for name, value in document.items() if value is not None}


@dataclass
class Target:
    """An API under test. `control` is None for a real ODS. `dialect` is the generation whose answers are expected."""

    base_url: str
    key: str
    secret: str = field(repr=False)
    dialect: str
    control: Control | None
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30), repr=False)
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)
    _urls: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def urls(self) -> dict[str, str]:
        """The root document's URLs."""
        if not self._urls:
            self._urls = self.http.get(self.base_url).json()["urls"]
        return self._urls

    @property
    def data_url(self) -> str:
        return self.urls["dataManagementApi"].rstrip("/")

    @property
    def change_queries_url(self) -> str:
        return self.urls.get("changeQueries", f"{self.base_url}/changeQueries/v1").rstrip("/")

    def token(self, key: str = "", secret: str = "") -> str:
        """A token for a key (default: the loader's), asked for once."""
        key = key or self.key
        if key not in self._tokens:
            answer = self.token_request(key, secret or self.secret)
            assert answer.status_code == 200, answer.text
            self._tokens[key] = answer.json()["access_token"]
        return self._tokens[key]

    def forget_tokens(self) -> None:
        self._tokens.clear()

    def token_request(self, key: str, secret: str, **fields: str) -> httpx.Response:
        login = base64.b64encode(f"{key}:{secret}".encode()).decode()
        return self.http.post(
            self.urls["oauth"],
            headers={"Authorization": f"Basic {login}"},
            data={"grant_type": "client_credentials", **fields},
        )

    def call(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        key: str = "",
        **parameters: Any,
    ) -> httpx.Response:
        """A request with the token of a key, to a path below the data root or to a whole URL."""
        url = path if path.startswith("http") else self.data_url + path
        sent = {"Authorization": f"Bearer {self.token(key, key)}"}
        if content is not None:
            sent["Content-Type"] = JSON
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value}
        return self.http.request(method, url, json=document, content=content, headers=sent, params=parameters or None)

    # The usual requests

    def post(self, document: Any, path: str = ASSOCIATIONS, **options: Any) -> httpx.Response:
        return self.call("POST", path, document, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def created(self, document: Any = None, path: str = ASSOCIATIONS, **options: Any) -> str:
        """Posts a document that is not there yet; its URL."""
        answer = self.post(document or association(), path, **options)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def put(self, url: str, document: dict[str, Any], **options: Any) -> httpx.Response:
        """A PUT; the Data Management Service wants the id in the body."""
        return self.call("PUT", url, {**document, "id": url.rpartition("/")[2]}, **options)


def dialect_of(root: dict[str, Any]) -> str:
    """Which dialect's answers to expect of the API with this root document."""
    version = root.get("version", "")
    if not version or root.get("applicationName") == "Ed-Fi API":
        return "dms"
    major, minor = (int(part) for part in version.split(".")[:2])
    if major <= 5:
        return "5.3"
    if major == 6:
        return "6.2"
    return "7.1" if minor <= 1 else "7.3"


def with_second_district(target: Target) -> None:
    """Another district beside the caller's: 39999."""
    assert target.control is not None
    (district,) = target.control.documents("localEducationAgencies")
    target.control.put("localEducationAgencies", {**district, "localEducationAgencyId": 39999})
