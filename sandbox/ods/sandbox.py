"""Puts the parts of one sandbox together and runs them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.ods.application import Application
from sandbox.ods.clients import Client, Clients
from sandbox.ods.control_routes import ControlRoutes
from sandbox.ods.dialects import DIALECTS
from sandbox.ods.faults import Faults
from sandbox.ods.instance import SeedError
from sandbox.ods.journal import Journal
from sandbox.ods.request_log import RequestLog
from sandbox.ods.routes import Layout
from sandbox.ods.seed import builtin_seed, read_seed
from sandbox.ods.server import Site, serve_site

NAMESPACES = ("uri://ed-fi.org", "uri://dese.mo.gov")


@dataclass(frozen=True)
class Settings:
    """How a sandbox is to be run; `__main__` gives the options of the same names."""

    api: str = "7.3"
    host: str = "127.0.0.1"
    port: int = 0
    key: str = "sandbox-key"
    secret: str = field(default="sandbox-secret", repr=False)
    claim_set: str = "SIS Vendor"
    seeds: Mapping[int | None, Path] = field(default_factory=dict)
    """Seed files: one for all years (None), or one a year."""
    years: tuple[int, ...] = ()
    tenants: tuple[str, ...] = ()
    education_organizations: tuple[int, ...] = ()
    """The client's education organizations; none given: the seed's local education agencies."""
    token_seconds: float = 1800
    state: Path | None = None
    """A file that keeps the data over a restart; None: memory only."""


class Sandbox:
    """One sandbox, seeded and ready to listen."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        dialect = DIALECTS[settings.api]
        self._clients = Clients(settings.token_seconds)
        self.application = Application(dialect, Layout(dialect, settings.years, settings.tenants), self._clients)
        self._log = RequestLog()
        self._faults = Faults(self.application.identity)
        control = ControlRoutes(self.application, self._log, self._faults, self._reseed)
        self._site = Site(self.application, control, self._faults, self._log)
        if settings.state is not None:
            Journal(settings.state).open(self.application.instances)
        self._load_seeds()
        self._clients.add(
            Client(
                settings.key,
                settings.secret,
                settings.claim_set,
                frozenset(settings.education_organizations or self._local_education_agencies()),
                NAMESPACES,
            )
        )

    def _reseed(self) -> None:
        for instance in self.application.instances.values():
            instance.clear()
        self._load_seeds()

    def _load_seeds(self) -> None:
        """Fills every instance; one that already holds data (a state file's) is left alone."""
        read: dict[Path, dict[str, list[dict[str, Any]]]] = {}
        seeds = self.settings.seeds
        for parts, instance in self.application.instances.items():
            if any(collection.by_id for collection in instance.store.collections.values()):
                continue
            year = int(parts[-1]) if self.settings.years else None
            path = seeds.get(year, seeds.get(None))
            if path is None and seeds:
                seeded = ", ".join(str(number) for number in seeds)
                served = "serve it with --school-year" if year is None else f"there is none for {year}"
                raise SeedError(f"There are seeds for the school year {seeded} only: {served}.")
            if path is not None and path not in read:
                read[path] = read_seed(path)
            instance.seed(builtin_seed() if path is None else read[path])

    def _local_education_agencies(self) -> set[int]:
        return {
            int(record.key[0])
            for instance in self.application.instances.values()
            for record in instance.store.collections["localEducationAgencies"].by_id.values()
        }

    async def run(self, on_ready: Callable[[str], None]) -> None:
        """Listens until SIGINT or SIGTERM; `on_ready` gets the base URL."""
        server = await serve_site(self._site, self.settings.host, self.settings.port)
        host, port = server.sockets[0].getsockname()[:2]
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        on_ready(f"http://{host}:{port}")
        await stopped.wait()
        server.close()
