"""Runs lightbeam with a clock around its sending; needs nothing but lightbeam."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from lightbeam.__main__ import main
from lightbeam.send import Sender

_do_send = Sender.do_send


async def _timed(self: Any, endpoint: str) -> None:
    started = time.perf_counter()
    await _do_send(self, endpoint)
    Path("seconds.json").write_text(json.dumps(time.perf_counter() - started))


Sender.do_send = _timed
sys.exit(main())
