"""lightbeam's ``send``, in an environment of its own, timed from its first look at the file to its saved state."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from sandbox.ods import RunningOds
from tests.sandbox.environment import clients_bin

_DRIVER = Path(__file__).with_name("lightbeam_driver.py")
_SETTINGS = """
data_dir: {folder}
state_dir: {folder}/state
edfi_api:
  base_url: {ods.base_url}
  version: 3
  mode: shared_instance
  client_id: {ods.key}
  client_secret: {ods.secret}
connection:
  pool_size: {connections}
  verify_ssl: True
"""
"""What is not named is at lightbeam's default; verify_ssl has none."""


def send(folder: Path, ods: RunningOds, resource: str, bodies: Iterable[str], connections: int) -> float:
    """Seconds that lightbeam took to send the bodies."""
    folder.mkdir()
    (folder / f"{resource}.jsonl").write_text("".join(f"{body}\n" for body in bodies))
    (folder / "lightbeam.yaml").write_text(_SETTINGS.format(folder=folder, ods=ods, connections=connections))
    command: list[str | Path] = [
        clients_bin() / "python",
        "-P",
        _DRIVER,
        "send",
        "-c",
        "lightbeam.yaml",
        "-s",
        resource,
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if not (folder / "seconds.json").exists():
        raise RuntimeError(f"lightbeam failed:\n{done.stderr}")
    return float(json.loads((folder / "seconds.json").read_text()))
