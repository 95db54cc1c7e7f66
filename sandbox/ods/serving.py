"""Starts a sandbox as a process of its own and stops it again, for tests and the demo."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from sandbox.ods.control import Control
from sandbox.ods.instance import Documents

_REPOSITORY = Path(__file__).resolve().parents[2]
Seed = Path | Documents


class SandboxError(RuntimeError):
    """The sandbox did not start; the message holds what it said."""


@dataclass
class RunningOds:
    """A sandbox that runs. `control` looks into it and disturbs it; `base_url` is what a client gets."""

    base_url: str
    key: str
    secret: str = field(repr=False)
    control: Control
    _command: list[str] = field(repr=False)
    _errors: Path = field(repr=False)
    _process: subprocess.Popen[str] = field(repr=False)

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    def stop(self) -> None:
        """Ends the process, if it still runs."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        sys.stderr.write(self._errors.read_text(encoding="utf-8"))

    def kill(self) -> None:
        """Ends the process at once, as a crash would."""
        self._process.kill()
        self.stop()

    def restart(self) -> None:
        """Starts anew at the same address. What is not in a state file is the seed's again."""
        self.stop()
        command = [*self._command, "--port", str(self.port)]
        self._process, _ = _start(command, self._errors)


@contextmanager
def serve(
    seed: Seed | Mapping[int, Seed] | None = None,
    *,
    api: str = "7.3",
    key: str = "sandbox-key",
    secret: str = "sandbox-secret",  # noqa: S107 - a sandbox's, printed at its start
    claim_set: str = "SIS Vendor",
    school_years: Iterable[int] = (),
    tenants: Iterable[str] = (),
    education_organizations: Iterable[int] = (),
    token_seconds: float = 1800,
    state: Path | None = None,
) -> Iterator[RunningOds]:
    """A sandbox on a free port for the length of a block.

    `seed`: a file or documents by resource, or one of these by school year; None: the small built-in district.
    SandboxError, with what it printed, if it doesn't start.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-ods-") as directory:
        command = [sys.executable, "-m", "sandbox.ods", "--api", api, "--key", key, "--secret", secret]
        command += ["--claim-set", claim_set, "--token-seconds", str(token_seconds)]
        command += [part for year in school_years for part in ("--school-year", str(year))]
        command += [part for tenant in tenants for part in ("--tenant", tenant)]
        command += [part for number in education_organizations for part in ("--education-organization", str(number))]
        command += [part for text in _seed_files(seed, Path(directory)) for part in ("--seed", text)]
        if state is not None:
            command += ["--state", str(state)]
        errors = Path(directory) / "errors.txt"
        process, base_url = _start([*command, "--port", "0"], errors)
        ods = RunningOds(base_url, key, secret, Control(base_url), command, errors, process)
        try:
            yield ods
        finally:
            ods.stop()


def _seed_files(seed: Seed | Mapping[int, Seed] | None, directory: Path) -> list[str]:
    """The `--seed` options of a seed; documents in memory are written to a file first."""
    if seed is None:
        return []
    if isinstance(seed, Path):
        return [str(seed)]
    years = [year for year in seed if isinstance(year, int)]
    if not years:
        path = directory / "seed.json"
        path.write_text(json.dumps(seed, default=list), encoding="utf-8")
        return [str(path)]
    texts = []
    for year in years:
        folder = directory / str(year)
        folder.mkdir()
        (text,) = _seed_files(cast("Mapping[int, Seed]", seed)[year], folder)
        texts.append(f"{year}={text}")
    return texts


def _start(command: list[str], errors: Path) -> tuple[subprocess.Popen[str], str]:
    """Starts the process and waits for its line; (process, base URL). What it complains of goes to a file."""
    with errors.open("w", encoding="utf-8") as complaints:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, "--until-stdin-closes"],
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
    assert process.stdout is not None  # noqa: S101
    line = process.stdout.readline()
    if not line.startswith("sandbox ODS ready at "):
        process.wait()
        process.stdout.close()
        raise SandboxError(f"The sandbox ODS did not start: {errors.read_text(encoding='utf-8') or line}")
    return process, line.split()[4]
