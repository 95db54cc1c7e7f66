"""An example to copy: keeps the Programs of one education organization in an Ed-Fi ODS as a CSV file lists them.

The file has the columns ``programName`` and ``programTypeDescriptor``. What it lists is posted. What the ODS holds
of ours and the file does not list is deleted, but never more than a few at once. Trigger it by hand, with its params.
"""

import csv
import json

from airflow.providers.common.compat.sdk import DAG, AirflowFailException, ObjectStoragePath, Param, task

from edfi_cte.operators.edfi import EdFiDeleteOperator, EdFiGetOperator, EdFiTotalCountOperator, EdFiUpsertOperator

KEY = ("programName", "programTypeDescriptor")
WANTED = "{{ params.folder }}/wanted.jsonl"
THERE = "{{ params.folder }}/there.jsonl"
OURS = {"educationOrganizationId": "{{ params.education_organization_id }}"}
CONNECTION = "{{ params.edfi_conn_id }}"


@task
def wanted(path: str, params: dict | None = None) -> None:
    """The CSV file as Ed-Fi documents, a line each. The file, not XCom, holds them."""
    assert params is not None  # noqa: S101 - Airflow gives it
    reference = {"educationOrganizationId": params["education_organization_id"]}
    with ObjectStoragePath(params["csv"]).open() as rows, ObjectStoragePath(path).open("w") as lines:
        for row in csv.DictReader(rows):
            document = {name: row[name] for name in KEY} | {"educationOrganizationReference": reference}
            lines.write(json.dumps(document) + "\n")


@task
def gone(wanted: str, there: str, params: dict | None = None) -> list[str]:
    """The ids of what the ODS holds and the file does not list."""
    assert params is not None  # noqa: S101
    keys = {tuple(document[name] for name in KEY) for document in documents(wanted)}
    ids = [one["id"] for one in documents(there) if tuple(one[name] for name in KEY) not in keys]
    if len(ids) > params["max_deletes"]:
        raise AirflowFailException(f"{len(ids)} programs are not in the file, more than max_deletes: look at it.")
    return ids


def documents(path: str) -> list[dict]:
    """The documents of a file of JSON lines."""
    with ObjectStoragePath(path).open() as lines:
        return [json.loads(line) for line in lines]


with DAG(
    dag_id="programs_to_ed_fi",
    schedule=None,
    doc_md=__doc__,
    tags=["ed-fi", "example"],
    params={
        "csv": Param("/data/programs.csv", type="string"),
        "folder": Param("/data/work", type="string", description="For the files between the tasks; any storage."),
        "edfi_conn_id": Param("edfi_2026", type="string"),
        "education_organization_id": Param(39141, type="integer"),
        "max_deletes": Param(5, type="integer", minimum=0),
    },
):
    make = wanted(WANTED)
    send = EdFiUpsertOperator(task_id="send", resource="programs", path=WANTED, edfi_conn_id=CONNECTION)
    read = EdFiGetOperator(task_id="read", resource="programs", path=THERE, filters=OURS, edfi_conn_id=CONNECTION)
    ids = gone(WANTED, THERE)
    drop = EdFiDeleteOperator(task_id="drop", resource="programs", ids=ids, edfi_conn_id=CONNECTION)
    count = EdFiTotalCountOperator(task_id="count", resource="programs", filters=OURS, edfi_conn_id=CONNECTION)
    make >> send >> read >> ids >> drop >> count
