"""Runs lightbeam with a clock around its sending; needs nothing but lightbeam."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from lightbeam.__main__ import main  # type: ignore[import-not-found]
from lightbeam.send import Sender  # type: ignore[import-not-found]

_do_send = Sender.do_send


async def _timed(self: Any, endpoint: str) -> None:
    started = time.perf_counter()
    await _do_send(self, endpoint)
    seconds.append(time.perf_counter() - started)


seconds: list[float] = []
Sender.do_send = _timed
main()
Path("seconds.json").write_text(json.dumps(seconds[0]))
