"""The environment of the independent clients: made from a hashed lock, and kept until the lock changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).with_name("clients.lock")
_ROOT = Path(__file__).resolve().parents[2]


def clients_bin() -> Path:
    """The `bin` folder of the clients' environment, installed on first use below `.venv/clients`."""
    identity = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = Path(os.environ.get("EDFI_TEST_CLIENTS", _ROOT / ".venv" / "clients")) / identity
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes side by side: one installs, the others wait
        if not (folder / "complete").exists():
            _install(folder)
    return folder / "bin"


def _install(folder: Path) -> None:
    """Makes the environment; the mark that it is complete comes last, so a broken install is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*install, "--require-hashes", "--requirement", str(LOCK)],
    ):
        subprocess.run(command, check=True)
    (folder / "complete").touch()
