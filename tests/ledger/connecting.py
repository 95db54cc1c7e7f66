"""What a driver is told when a connection is opened."""

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa


def told_to_connect(engine: sa.Engine) -> dict[str, Any]:
    """What the driver is called with; it is not called."""
    told: list[Mapping[str, Any]] = []

    @sa.event.listens_for(engine, "do_connect")
    def _note(_dialect: Any, _record: Any, _arguments: Any, keywords: Any) -> None:
        told.append(dict(keywords))
        raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.connect()
    return dict(told[0])
