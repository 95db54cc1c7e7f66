"""Airflow deployments of a test's own: a home, a Python environment, and this package put into them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"3.1": "locks/airflow-3.1.lock", "3.2": "locks/airflow-3.2.lock", "3.3": "requirements.lock"}
"""By Airflow's minor."""
PROBE = Path(__file__).with_name("probe.py")
_NOT_COPIED = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class Deployment:
    """One Airflow home and the Python that runs it."""

    home: Path
    python: Path
    settings: dict[str, str] = field(default_factory=dict)

    def copy_dags(self) -> None:
        """The DAGs, as in every way of installing."""
        shutil.copytree(ROOT / "dags", self.home / "dags", ignore=_NOT_COPIED)

    def copy_package(self) -> None:
        """The package and its SQL: the ``plugins`` and ``include`` folders, as git-sync or Astro lay them out."""
        shutil.copytree(ROOT / "plugins", self.home / "plugins", ignore=_NOT_COPIED, dirs_exist_ok=True)
        shutil.copytree(ROOT / "include", self.home / "include", ignore=_NOT_COPIED, dirs_exist_ok=True)

    def write_settings(self, text: str) -> None:
        """The settings file, where it is found without being named."""
        (self.home / "include").mkdir(exist_ok=True)
        (self.home / "include/edfi_cte.yaml").write_text(text)

    def install(self, wheel: Path) -> None:
        """The wheel, in the Python environment."""
        install(self.python, "--offline", "--no-deps", wheel)

    def install_into_plugins(self, wheel: Path) -> None:
        """The wheel, unpacked in the plugins folder (``pip install --target``)."""
        uv(
            "pip",
            "install",
            "--offline",
            "--no-deps",
            "--python",
            self.python,
            "--target",
            self.home / "plugins",
            wheel,
        )

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Python of this deployment, away from the repository, with no settings but its own."""
        command = [self.python, *arguments]
        return subprocess.run(
            command, env=self.environment(), cwd=self.home, capture_output=True, text=True, check=False
        )

    def environment(self) -> dict[str, str]:
        """The environment of this deployment's processes: nothing of the Airflow that runs the tests."""
        foreign = ("AIRFLOW_", "PYTHON", "VIRTUAL_ENV")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {"AIRFLOW_HOME": str(self.home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        return inherited | own | self.settings

    def probe(self) -> Probe:
        """What Airflow finds of this package here."""
        done = self.run(PROBE)
        assert done.returncode == 0, done.stderr
        *printed, answer = done.stdout.splitlines()
        return Probe(said="\n".join([*printed, done.stderr]), **json.loads(answer))


@dataclass(frozen=True)
class Probe:
    """What ``probe.py`` saw, and what Airflow said meanwhile."""

    said: str
    plugins: list[dict[str, Any]]
    plugin_errors: dict[str, str]
    hooks: list[dict[str, Any]]
    dags: list[str]
    dag_errors: dict[str, str]
    dags_with_deadline: list[str]
    run_as_single_files: list[str]
    package: str
    sql: str


def deployment(home: Path, python: Path, settings: dict[str, str] | None = None) -> Deployment:
    """An empty deployment at ``home``; ``settings`` are environment variables of its own."""
    (home / "plugins").mkdir(parents=True)
    return Deployment(home=home, python=python, settings=settings or {})


def installed_environment(folder: Path, lock: str) -> Path:
    """The Python of a clean environment with what a lock of this repository names."""
    uv("venv", "--python", sys.executable, folder)
    python = folder / "bin/python"
    install(python, "--require-hashes", "--compile-bytecode", "--requirements", ROOT / lock)
    return python


def install(python: Path, *what: str | Path) -> None:
    """Into a Python environment, by uv."""
    uv("pip", "install", "--python", python, *what)


def borrowed_environment(folder: Path, python: Path | None = None) -> Path:
    """The Python of an environment with everything that ``python`` (or this one) can import, except this package.

    Links instead of an installation, because each test needs an environment of its own in a second or so.
    """
    venv.create(folder, symlinks=True)
    lender = Path(sysconfig.get_path("purelib")) if python is None else _site_packages(python.parents[1])
    for installed in lender.iterdir():
        if "edfi_cte" not in installed.name and installed.name != "__pycache__":
            (_site_packages(folder) / installed.name).symlink_to(installed)
    return folder / "bin/python"


def _site_packages(environment: Path) -> Path:
    return Path(sysconfig.get_path("purelib", scheme="venv", vars={"base": str(environment)}))


def build_wheel(folder: Path) -> Path:
    """The package's wheel, built into ``folder``."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def uv(*arguments: str | Path) -> None:
    """Run uv, without the settings of a machine or a user."""
    program = Path(sysconfig.get_path("scripts")) / "uv"
    done = subprocess.run(
        [program, *arguments, "--no-config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
