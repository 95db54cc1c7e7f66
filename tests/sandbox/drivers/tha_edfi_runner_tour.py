"""Runs in the clients' environment: what tha-edfi-runner does with an ODS, printed as one JSON object.

Arguments: base URL, key, secret, a document to post, and one that the ODS refuses.
"""

import json
import sys

from tha_edfi_runner import ThaStudentAssessment

base_url, key, secret, document, refused = sys.argv[1:]
ENDPOINT = "/ed-fi/studentCTEProgramAssociations"
runner = ThaStudentAssessment(base_url=base_url, api_version="v3", client_id=key, client_secret=secret)


def post(payload: str) -> dict:
    return runner.post_payload(payload, key="row", endpoint=ENDPOINT, commit=True)


created, repeated, wrong = post(document), post(document), post(refused)
everything = runner.get_all(key="row", endpoint=ENDPOINT)
identifier = everything["data"][0]["id"]
one = runner.get_by_id(identifier, endpoint=ENDPOINT)
deleted = [runner.delete_by_id(identifier, key="row", endpoint=ENDPOINT, commit=True) for _ in range(2)]
print(
    json.dumps(
        {
            "dry_run": runner.post_payload(document, key="row", endpoint=ENDPOINT)["status"],
            "created": [created["status"], created["http_status"]],
            "repeated": [repeated["status"], repeated["http_status"]],
            "refused": [wrong["status"], wrong["http_status"], bool(wrong["correlation_id"]), wrong["message"]],
            "rows": len(everything["data"]),
            "one": [one["status"], one["data"]["id"] == identifier],
            "deleted": [answer["http_status"] for answer in deleted],
            "gone": runner.get_by_id(identifier, endpoint=ENDPOINT)["http_status"],
        }
    )
)
