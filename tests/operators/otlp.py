"""An OpenTelemetry receiver on loopback: what is sent to it over OTLP, decoded."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

Point = tuple[str, str, tuple[tuple[str, str], ...]]
"""(name, kind, tags in order)."""


class Receiver(ThreadingHTTPServer):
    """``received``: the last value of each point."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: dict[Point, float] = {}

    @property
    def address(self) -> str:
        """Where metrics are sent to."""
        return f"http://127.0.0.1:{self.server_port}/v1/metrics"

    def take(self, body: bytes) -> None:
        """One request of an exporter."""
        request = ExportMetricsServiceRequest.FromString(body)
        for resource in request.resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                kind = str(metric.WhichOneof("data"))
                for point in getattr(metric, kind).data_points:
                    tags = tuple(sorted((tag.key, tag.value.string_value) for tag in point.attributes))
                    self.received[metric.name, kind, tags] = _value(point)


def _value(point: Any) -> float:
    """A number's, or how many a histogram has counted."""
    if hasattr(point, "count"):
        return float(point.count)
    return float(getattr(point, point.WhichOneof("value")))


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Receiver)
        self.server.take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, until the block ends."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
