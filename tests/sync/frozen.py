"""The other half of :mod:`.test_frozen`: a worker that does one step, and freezes in the middle of sending.

It stops itself (SIGSTOP) as it is about to ask whether its fifth write may begin, with no ledger transaction open:
one that is would keep the target's row locked, which is for the ledger's limits. Leases last seconds here.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import sqlalchemy as sa

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import leases
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ods import EdFiClient
from edfi_cte.sync import lease
from edfi_cte.sync.steps import run_step
from tests.sync.world import World

AT = 5


def freeze_in_the_middle() -> None:
    """Patch the lease of this process."""
    admit, writing, within = lease.Lease.admit, lease.Lease.writing, threading.Lock()
    asked = 0

    def freeze(self: lease.Lease) -> None:
        nonlocal asked
        asked += 1
        if asked == AT:
            with within:
                os.kill(os.getpid(), signal.SIGSTOP)
        admit(self)

    @contextmanager
    def alone(self: lease.Lease) -> Iterator[sa.Connection]:
        with within, writing(self) as connection:
            yield connection

    lease.Lease.admit = freeze  # type: ignore[method-assign]
    lease.Lease.writing = alone  # type: ignore[method-assign]


def main() -> None:
    """Prints how the step ended."""
    base_url, key, secret, ledger, run_id, step = sys.argv[1:]
    leases.HOLD = leases.LEASE = timedelta(seconds=3)
    lease.RENEW, lease.SLACK = timedelta(seconds=0.3), timedelta(seconds=1)
    freeze_in_the_middle()
    ods = SimpleNamespace(base_url=base_url, key=key, secret=secret)
    with tempfile.TemporaryDirectory() as folder:
        world = World({2026: ods}, Path(folder))
        world.ledger = open_ledger(ledger)
        try:
            lane = world.lane(run_id=run_id)
            config = replace(lane.open_ods().config, concurrency=1)
            run_step(replace(lane, open_ods=lambda: EdFiClient(config)), step)
            print("done")
        except EdfiCteError as error:
            print(type(error).__name__)


if __name__ == "__main__":
    main()
