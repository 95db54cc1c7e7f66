"""The OpenAPI documents, generated from the definitions that validate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.ods.definitions import Resource
from sandbox.ods.dialects import Dialect


def openapi_document(
    resources: Iterable[Resource], dialect: Dialect, data_url: str, token_url: str
) -> dict[str, Any]:
    """One document for the resources given."""
    return {"openapi": "3.0.1", "paths": {}, "components": {"schemas": {}}}
