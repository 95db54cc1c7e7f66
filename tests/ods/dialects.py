"""How the Ed-Fi APIs in service differ on the wire, as the fake API of these tests speaks it.

Written from the servers' own sources and tests (ODS/API v5.3, v6.2, v7.1, v7.3; DMS feature files), not from the
client under test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PROBLEM = "urn:ed-fi:api:"
CORRELATION_ID = "5f3c2a1e-0b7d-4c1a-9f52-6b8f7f0c9a11"


@dataclass(frozen=True)
class Dialect:
    name: str
    version: str
    data_path: str = "/data/v3"
    wrong_secret: int = 401
    cursor: bool = False
    problems: bool = False
    default_limit: int = 500
    put_needs_id: bool = False
    dashed_ids: bool = False
    location_host: str = "http://10.0.0.7:8080"

    def root(self, base: str) -> dict[str, Any]:
        """The root document, with the addresses and keys that the version has."""
        urls = {
            "dependencies": f"{base}/metadata{self.data_path}/dependencies",
            "openApiMetadata": f"{base}/metadata/",
            "oauth": f"{base}/oauth/token",
            "dataManagementApi": f"{base}{self.data_path}/",
            "xsdMetadata": f"{base}/metadata/xsd",
        }
        document: dict[str, Any] = {
            "version": self.version,
            "informationalVersion": self.version,
            "build": "1.0.0",
            "dataModels": [
                {"name": "Ed-Fi", "version": DATA_STANDARDS[self.name]},
                {"name": "TPDM", "version": "1.1.0"},
            ],
            "urls": urls,
        }
        if self.name == "5.3":
            document |= {"suite": "3", "apiMode": "Shared Instance"}
        else:
            urls["changeQueries"] = f"{base}/changeQueries/v1/"
        if self.name == "7.3":
            urls["oauthTokenIntrospection"] = f"{base}/oauth/token_info"
        if self.name == "dms":
            urls["tokenInfo"] = f"{base}/oauth/token_info"
            document["applicationName"] = "Ed-Fi API"
        return document

    def error(self, status: int, kind: str, text: str, **more: Any) -> dict[str, Any]:
        """An error body: ``kind`` is the problem type, ``text`` the message or detail."""
        if not self.problems:
            return {"message": text, **more}
        body = {
            "detail": text,
            "type": PROBLEM + kind,
            "title": "…",
            "status": status,
            "correlationId": CORRELATION_ID,
        }
        if self.name == "dms":
            body |= {"validationErrors": {}, "errors": []}
        return body | more


DATA_STANDARDS = {"5.3": "3.3.1-b", "6.2": "4.0.0", "7.1": "5.0.0", "7.3": "5.2.0", "dms": "5.2.0"}

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("5.3", "5.3", wrong_secret=400, default_limit=25),
        Dialect("6.2", "6.2"),
        Dialect("7.1", "7.1"),
        Dialect("7.3", "7.3", cursor=True, problems=True),
        Dialect(
            "dms",
            "0.7.2",
            data_path="/data",
            cursor=True,
            problems=True,
            put_needs_id=True,
            dashed_ids=True,
        ),
    )
}
