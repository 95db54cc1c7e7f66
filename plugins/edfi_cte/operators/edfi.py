"""Operators for any Ed-Fi resource. Documents go through files, never through XCom; XCom gets counts and paths."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, BaseOperator, ObjectStoragePath

from edfi_cte.hooks.edfi import EdFiHook
from edfi_cte.ods import EdFiClient
from edfi_cte.ods.bulk import BulkResult, for_each

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class EdFiOperator(BaseOperator):
    """What the operators below share. ``edfi_conn_id`` and ``resource`` are templated, as all their values are.

    :param resource: as its path is: ``students`` (of ed-fi) or ``tpdm/candidates``
    :param edfi_conn_id: a connection of type ``edfi``
    """

    template_fields: Sequence[str] = ("resource", "edfi_conn_id")
    ui_color = "#dce9f5"

    def __init__(self, *, resource: str, edfi_conn_id: str = EdFiHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.edfi_conn_id = edfi_conn_id

    def hook(self) -> EdFiHook:
        """A hook for this try; close it, or use it in a ``with`` block."""
        return EdFiHook(self.edfi_conn_id)


class EdFiGetOperator(EdFiOperator):
    """Writes a whole collection to a file of JSON lines; returns ``{"path": …, "count": …}``.

    The file appears only once the collection is complete: a read cut short leaves nothing behind.

    :param path: local, or of any storage that Airflow knows (``s3://conn_id@bucket/key``)
    :param filters: properties and values that an item must have
    """

    template_fields: Sequence[str] = (*EdFiOperator.template_fields, "path", "filters")

    def __init__(self, *, path: str, filters: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.filters = filters

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        with tempfile.TemporaryFile() as rows, self.hook() as hook:
            count = hook.call(lambda client: self._read(client, rows))
            rows.seek(0)
            with _open(self.path, "wb") as target:
                shutil.copyfileobj(rows, target)
        self.log.info("Read %d items of %s.", count, self.resource)
        return {"path": self.path, "count": count}

    async def _read(self, client: EdFiClient, rows: IO[bytes]) -> int:
        count = 0
        async for page in client.pages(self.resource, self.filters):
            rows.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in page)
            count += len(page)
        return count


class EdFiTotalCountOperator(EdFiOperator):
    """Returns how many items of the collection the key may see.

    :param filters: properties and values that an item must have
    """

    template_fields: Sequence[str] = (*EdFiOperator.template_fields, "filters")

    def __init__(self, *, filters: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters

    def execute(self, context: Context) -> int:  # noqa: ARG002
        with self.hook() as hook:
            return hook.total_count(self.resource, self.filters)


class EdFiUpsertOperator(EdFiOperator):
    """Posts every document of a file of JSON lines; returns ``{"created": …, "replaced": …}``.

    All are tried; if any was refused the task fails and says how many, of what kind, and which documents; the log has
    what the API said of the first five of each kind.

    :param path: local, or of any storage that Airflow knows
    """

    template_fields: Sequence[str] = (*EdFiOperator.template_fields, "path")

    def __init__(self, *, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002
        with _open(self.path, "rb") as lines, self.hook() as hook:
            result = hook.call(lambda client: self._send(client, lines))
        _raise_if_failed(result, f"documents for {self.resource}")
        return {"created": result.done[True], "replaced": result.done[False]}

    async def _send(self, client: EdFiClient, lines: IO[bytes]) -> BulkResult[bool]:
        async def upsert(document: Mapping[str, Any]) -> bool:
            return (await client.upsert(self.resource, document)).created

        return await for_each(self._documents(lines), upsert, workers=client.config.concurrency)

    def _documents(self, lines: IO[bytes]) -> Iterator[Mapping[str, Any]]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                document = json.loads(line)
            except ValueError:
                document = None
            if not isinstance(document, dict):
                raise AirflowException(
                    f"Line {number} of {self.path} is not a JSON object. Nothing after it was sent."
                )
            yield document


class EdFiDeleteOperator(EdFiOperator):
    """Deletes items by the API's own ids; returns ``{"deleted": …, "absent": …}``.

    :param ids: the ids, or a task's output that is such a list
    """

    template_fields: Sequence[str] = (*EdFiOperator.template_fields, "ids")

    def __init__(self, *, ids: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ids = ids

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002
        if isinstance(self.ids, str):
            raise AirflowException("ids is one text, not a list. Give a list, or a task's output.")
        with self.hook() as hook:
            result = hook.call(self._delete)
        _raise_if_failed(result, f"items of {self.resource}")
        return {"deleted": result.done[True], "absent": result.done[False]}

    async def _delete(self, client: EdFiClient) -> BulkResult[bool]:
        return await for_each(
            self.ids, lambda id_: client.delete(self.resource, id_), workers=client.config.concurrency
        )


def _open(path: str, mode: str) -> IO[bytes]:
    file: IO[bytes] = ObjectStoragePath(path).open(mode)  # type: ignore[no-untyped-call]
    return file


def _raise_if_failed(result: BulkResult[bool], what: str) -> None:
    failed = result.failed.total()
    if failed:
        raise AirflowException(f"{failed} of {failed + result.done.total()} {what} were refused: {result}.")
