"""What was asked and answered: counts and a list, without bodies, ids or parameter values."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any
from urllib.parse import parse_qsl

from sandbox.ods.documents import internal_id
from sandbox.ods.messages import Request

_KEPT = 200_000


class RequestLog:
    """The requests since the start or the last `clear`, oldest dropped after 200,000."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._entries: deque[tuple[str, str, str, int, str]] = deque(maxlen=_KEPT)
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.most_in_flight = 0

    def add(self, request: Request, status: int, fault: str = "") -> None:
        """One request and the status sent (0: none reached the client)."""
        path = _without_id(request.path)
        names = (
            ",".join(name for name, _ in parse_qsl(request.query, keep_blank_values=True)) if request.query else ""
        )
        self.counts[request.method, path, status] += 1
        self._entries.append((request.method, path, names, status, fault))

    def in_flight(self, count: int) -> None:
        self.most_in_flight = max(self.most_in_flight, count)

    def as_document(self) -> dict[str, Any]:
        return {
            "requests": [
                {"method": method, "path": path, "parameters": names, "status": status, "fault": fault}
                for method, path, names, status, fault in self._entries
            ],
            "counts": [
                {"method": method, "path": path, "status": status, "count": count}
                for (method, path, status), count in self.counts.items()
            ],
            "most_in_flight": self.most_in_flight,
        }


def _without_id(path: str) -> str:
    head, slash, last = path.rpartition("/")
    return f"{head}{slash}{{id}}" if len(last) >= 32 and internal_id(last) else path
