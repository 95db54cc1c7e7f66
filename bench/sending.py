"""Rows 1 to 3: a first load, beside a bare loop and lightbeam."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp
import sqlalchemy as sa

from bench import lightbeam
from bench.lanes import Place, district, run_here
from bench.results import Row
from edfi_cte.ledger.schema import event
from edfi_cte.sync.lane import RESOURCE
from sandbox.ods import RunningOds
from sandbox.ods.faults import Fault

RECORDS = 6000
IN_FLIGHT = 16
ROUNDS = 3
LATENCY = Fault("latency", seconds=0.02)
FAULTS = (
    Fault("status", method="POST", path=RESOURCE, rate=0.005, status=500),
    Fault("status", method="POST", path=RESOURCE, rate=0.005, status=429, retry_after=1),
)
"""One request in a hundred."""


@dataclass
class Load:
    """A first load that is ready to be sent, again and again; ``bodies`` are what it sends."""

    folder: Path
    place: Place
    ods: RunningOds
    bodies: list[str]
    sent: int = 0

    def ours(self, *faults: Fault) -> float:
        """Seconds of the ``upsert`` step on a fresh copy of the prepared ledger."""
        self._reset(*faults)
        ledger = self.folder / f"copy{self.sent}.sqlite"
        shutil.copy(self.place.ledger, ledger)
        (step,) = run_here(replace(self.place, ledger=str(ledger)), "load", ["upsert"])
        return step.seconds

    def bare(self, *faults: Fault) -> float:
        """Seconds of an aiohttp loop that posts the same bytes."""
        self._reset(*faults)
        return asyncio.run(_post_all(self.ods, self.bodies))

    def lightbeam(self, *faults: Fault) -> float:
        """Seconds of ``lightbeam send`` with the same bytes."""
        self._reset(*faults)
        return lightbeam.send(self.folder / f"lightbeam{self.sent}", self.ods, RESOURCE, self.bodies, IN_FLIGHT)

    def lost(self) -> int:
        """How many of the records the ODS does not hold."""
        return len(self.bodies) - self.ods.control.record_counts().get(RESOURCE, 0)

    def _reset(self, *faults: Fault) -> None:
        self.sent += 1
        self.ods.control.reset()
        self.ods.control.set_faults(*faults)


def rows(wanted: set[int]) -> Iterator[Row]:
    """Those of rows 1 to 3 that are wanted."""
    with first_load() as load:
        for number, row in enumerate((with_latency, without_latency, with_faults), 1):
            if number in wanted:
                yield row(load)


@contextmanager
def first_load() -> Iterator[Load]:
    """A district of 6,000 associations, planned and not yet sent."""
    with district(RECORDS) as (place, ods), TemporaryDirectory(prefix="edfi-cte-bench-") as folder:
        run_here(place, "load", ["preflight", "extract", "transform"])
        engine = place.lane("load").ledger
        with engine.connect() as connection:
            bodies = list(connection.scalars(sa.select(event.c.body)))
        engine.dispose()  # leaves one file, with no log beside it
        yield Load(Path(folder), place, ods, bodies)


def with_latency(load: Load) -> Row:
    """Row 1."""
    rounds = [(load.bare(LATENCY), load.ours(LATENCY), load.lightbeam(LATENCY)) for _ in range(ROUNDS)]
    bare, ours, theirs = (median(column) for column in zip(*rounds, strict=True))
    return Row(
        1,
        f"first load of {RECORDS:,}, 20 ms server latency, {IN_FLIGHT} in flight",
        "a bare aiohttp loop; lightbeam send",
        "at least 0.97 of the bare loop's rate, ahead of lightbeam",
        bare / ours,
        bare / ours >= 0.97 and ours < theirs,
        {"bare": bare, "ours": ours, "lightbeam": theirs, "bound": RECORDS / IN_FLIGHT * LATENCY.seconds},
        "The last answers are settled after the last request: some 0.05 s that no request hides, beside the look-up "
        "of token, version and programs.",
    )


def without_latency(load: Load) -> Row:
    """Row 2."""
    rounds = [(load.bare(), load.ours(), load.lightbeam()) for _ in range(ROUNDS)]
    bare, ours, theirs = (median(column) for column in zip(*rounds, strict=True))
    return Row(
        2,
        f"the same {RECORDS:,}, no latency",
        "the same two",
        "no slower than lightbeam",
        ours / theirs,
        ours <= theirs,
        {"bare": bare, "ours": ours, "lightbeam": theirs},
        "Each event is claimed before its request and settled after it, on disk, under the interpreter lock of the "
        "process that sends: a third of its CPU time. Lightbeam writes its state once, at the end, and a crash loses "
        "it. A client without a turn, a fence, a circuit and retries would be some 20 µs an event quicker. At 20 ms "
        "latency, as of a near ODS, the difference is gone (row 1).",
    )


def with_faults(load: Load) -> Row:
    """Row 3."""
    well = load.ours(LATENCY)
    ill = load.ours(LATENCY, *FAULTS)
    ours_lost = load.lost()
    theirs = load.lightbeam(LATENCY, *FAULTS)
    return Row(
        3,
        "row 1 with 1 % of 500s and 429s (Retry-After 1 s)",
        "itself without faults; lightbeam",
        "at most 1.15 times its own time, none lost",
        ill / well,
        ill / well <= 1.15 and not ours_lost,
        {
            "without faults": well,
            "ours": ill,
            "lost": ours_lost,
            "lightbeam": theirs,
            "lost by lightbeam": load.lost(),
        },
        "A request that was refused waits alone, for its Retry-After and a random second: the last may end late.",
    )


async def _post_all(ods: RunningOds, bodies: list[str]) -> float:
    waiting = iter(bodies)
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, headers=await bearer(ods)) as session:
        url = f"{ods.base_url}/data/v3/ed-fi/{RESOURCE}"

        async def worker() -> None:
            for body in waiting:
                async with session.post(url, data=body.encode()) as answer:
                    await answer.read()

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - started


async def bearer(ods: RunningOds) -> dict[str, str]:
    """The headers of an authorized request."""
    form = {"grant_type": "client_credentials", "client_id": ods.key, "client_secret": ods.secret}
    async with aiohttp.ClientSession() as session, session.post(f"{ods.base_url}/oauth/token", data=form) as answer:
        token = (await answer.json())["access_token"]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
