"""What a test or a demonstration holds in its hand to look into a running sandbox and to disturb it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from sandbox.ods.control_routes import PREFIX
from sandbox.ods.faults import Fault


class ControlError(RuntimeError):
    """The sandbox did not take a command; the message says why."""


@dataclass(frozen=True)
class LoggedRequest:
    """One request that reached the API. `path` has `{id}` for an id; `parameters` are names only.

    `status` 0: no status reached the client. `fault`: which kind of fault it met, if any.
    """

    method: str
    path: str
    parameters: str
    status: int
    fault: str


class Control:
    """Commands to one running sandbox. `instance`: `("2026",)` or `("tenant", "2026")` where it serves several."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80

    # The request log

    def requests(self) -> list[LoggedRequest]:
        """Every request to the API since the start or the last `clear_log`, in the order of the answers."""
        return [LoggedRequest(**entry) for entry in self._command("log")["requests"]]

    def count(self, method: str | None = None, path: str = "", status: int | None = None) -> int:
        """How many requests had this method, this text in their path and this status."""
        return sum(
            row["count"]
            for row in self._command("log")["counts"]
            if method in (None, row["method"]) and path in row["path"] and status in (None, row["status"])
        )

    def counts(self) -> dict[tuple[str, str, int], int]:
        """Requests by (method, path, status)."""
        rows = self._command("log")["counts"]
        return {(row["method"], row["path"], row["status"]): row["count"] for row in rows}

    def most_in_flight(self) -> int:
        """The most requests that waited at once; measured only while a fault delays them."""
        return int(self._command("log")["most_in_flight"])

    def clear_log(self) -> None:
        self._command("clear_log")

    # Faults

    def set_faults(self, *faults: Fault, seed: int = 0) -> None:
        """Replaces all faults; none given: the sandbox is well again."""
        self._command("faults", rules=[asdict(fault) for fault in faults], seed=seed)

    def fault_counts(self) -> list[int]:
        """How many requests each fault struck so far."""
        return list(self._command("fault_counts"))

    @contextmanager
    def faults(self, *faults: Fault, seed: int = 0) -> Iterator[None]:
        """Faults for the length of a block."""
        self.set_faults(*faults, seed=seed)
        try:
            yield
        finally:
            self.set_faults()

    # Data: hand edits need no token and meet no authorization

    def documents(self, resource: str, instance: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """All documents of a resource, with id and etag, in the order of their creation."""
        return list(self._command("documents", resource=resource, instance=_parts(instance)))

    def record_counts(self, instance: Iterable[str] | None = None) -> dict[str, int]:
        """Records by resource; empty ones are left out."""
        return dict(self._command("counts", instance=_parts(instance)))

    def put(
        self, resource: str, document: Mapping[str, Any], instance: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Creates or replaces a document by natural key; the document as stored."""
        return dict(self._command("put", resource=resource, document=dict(document), instance=_parts(instance)))

    def delete(self, resource: str, id: str, instance: Iterable[str] | None = None) -> bool:  # noqa: A002
        """Deletes a document by id; False if it wasn't there."""
        return bool(self._command("delete", resource=resource, id=id, instance=_parts(instance)))

    def seed(
        self, documents: Mapping[str, Iterable[Mapping[str, Any]]], instance: Iterable[str] | None = None
    ) -> None:
        """Upserts documents by resource, in load order."""
        rows = {name: [dict(document) for document in items] for name, items in documents.items()}
        self._command("seed", documents=rows, instance=_parts(instance))

    def clear(self, instance: Iterable[str] | None = None) -> None:
        """Empties the ODS, descriptors included."""
        self._command("clear", instance=_parts(instance))

    def reset(self) -> None:
        """Back to the start: the seed's data, no log, no faults, no tokens."""
        self._command("reset")

    # Clients and tokens

    def revoke_tokens(self) -> int:
        """Every token in use is refused from now on; how many there were."""
        return int(self._command("revoke_tokens"))

    def set_token_lifetime(self, seconds: float) -> None:
        """How long the tokens issued from now on live."""
        self._command("token_lifetime", seconds=seconds)

    def tokens_issued(self) -> int:
        return int(self._command("tokens_issued"))

    def add_client(
        self,
        key: str,
        secret: str,
        claim_set: str = "SIS Vendor",
        education_organizations: Iterable[int] = (),
        namespace_prefixes: Iterable[str] = ("uri://ed-fi.org",),
    ) -> None:
        """One more API client, or another secret and other rights for one."""
        self._command(
            "add_client",
            key=key,
            secret=secret,
            claim_set=claim_set,
            education_organizations=list(education_organizations),
            namespace_prefixes=list(namespace_prefixes),
        )

    def wait_until_ready(self, seconds: float = 20.0) -> None:
        """Returns once the sandbox answers; ControlError after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._command("tokens_issued")
            except OSError as error:
                if time.monotonic() > deadline:
                    raise ControlError(f"The sandbox does not answer: {error}") from error
                time.sleep(0.02)
            else:
                return

    def _command(self, name: str, **arguments: object) -> Any:
        connection = HTTPConnection(self._host, self._port, timeout=120)
        try:
            connection.request("POST", PREFIX + name, body=json.dumps(arguments).encode())
            response = connection.getresponse()
            answer = json.loads(response.read() or b"null")
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(answer["error"] if isinstance(answer, dict) else f"{name}: status {response.status}")
        return answer


def _parts(instance: Iterable[str] | None) -> list[str] | None:
    return None if instance is None else [str(part) for part in instance]
