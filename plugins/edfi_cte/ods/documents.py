"""Documents as they go out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .capabilities import READ_ONLY_PROPERTIES


def encode(document: Mapping[str, Any] | bytes, *, with_id: str | None = None) -> bytes:
    """The JSON text of ``document``, without what only the API may set; ``with_id`` is put in for a PUT.

    Bytes are a finished JSON object: they are sent as they are, or with the id in front.
    """
    if isinstance(document, bytes):
        return document if with_id is None else _with_id(document, with_id)
    body = {name: value for name, value in document.items() if name not in READ_ONLY_PROPERTIES}
    if with_id is not None:
        body = {"id": with_id, **body}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _with_id(text: bytes, identity: str) -> bytes:
    if b'"id"' in text:
        # Perhaps its own id, perhaps some inner property: only reading it tells.
        return encode(json.loads(text), with_id=identity)
    inside = text.lstrip()[1:].lstrip()
    comma = b"" if inside.startswith(b"}") else b","
    return b'{"id":' + json.dumps(identity).encode() + comma + inside
