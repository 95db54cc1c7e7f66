"""Runs in the clients' environment: what edfi-api-client does with an ODS, printed as one JSON object.

Arguments: base URL, key, secret. It needs a key that may read changes.
"""

import json
import sys

from edfi_api_client import EdFiClient

base_url, key, secret = sys.argv[1:]
client = EdFiClient(base_url, key, secret)
associations = client.resource("studentCTEProgramAssociations")
students = client.resource("students")

before = client.get_newest_change_version()
rows = list(associations.get_rows(page_size=100))
answer = associations.client.session.delete_response(associations.url, rows[0]["id"])
found = {
    "version": client.get_ods_version(),
    "data_model": client.get_data_model_version(),
    "ping": associations.ping().status_code,
    "ping_descriptor": client.descriptor("programTypeDescriptors").ping().status_code,
    "cursor": len(rows),
    "cursor_distinct": len({row["id"] for row in rows}),
    "offset": sum(len(page) for page in students.get_pages(page_size=100)),
    "reverse": sum(
        len(page)
        for page in students.get_pages(
            page_size=100,
            step_change_version=True,
            reverse_paging=True,
            change_version_step_size=200,
            params={"minChangeVersion": 0, "maxChangeVersion": before},
        )
    ),
    "total_count": students.get_total_count(),
    "filtered": associations.get_total_count(
        params={"studentUniqueId": rows[1]["studentReference"]["studentUniqueId"]}
    ),
    "deleted": answer.status_code,
    "newest_change_version_rose": client.get_newest_change_version() > before,
    "deletes": [
        row["keyValues"]["studentUniqueId"] == rows[0]["studentReference"]["studentUniqueId"]
        for row in client.resource("studentCTEProgramAssociations", get_deletes=True).get_rows()
    ],
    "key_changes": list(client.resource("studentCTEProgramAssociations", get_key_changes=True).get_rows()),
    "organizations": [row["education_organization_id"] for row in client.get_token_info()["education_organizations"]],
    "has_deletes": associations.has_deletes,
    "resources": sorted(name for _, name in client.resources),
    "by_id": students.get_by_id(next(iter(students.get(limit=1)))["id"])["studentUniqueId"],
    "posted": client.session.post_response(
        associations.url, data={k: v for k, v in rows[0].items() if k != "id" and not k.startswith("_")}
    ).status_code,
}
print(json.dumps(found))
