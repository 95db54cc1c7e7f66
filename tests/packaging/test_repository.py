"""What is committed works on any machine, from any registry."""

import re
import subprocess

import pytest

from tests.packaging.environments import ROOT

# Written so that this file doesn't hold what it looks for.
MACHINES_OWN = {
    "a package registry": re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|deb\.debian\.org"),
    "a folder of one machine": re.compile(r"(?<![\w.])/(work|root|home/\w+|Users/\w+)/"),
    "a file outside the repository": re.compile(r"\.\./shared\b"),
}


def tracked_files() -> list[str]:
    """The names of the files under version control that are here."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


LOCKS = [name for name in tracked_files() if name.endswith(".lock")]


@pytest.mark.parametrize("what", MACHINES_OWN)
def test_no_tracked_file_names(what: str) -> None:
    found = [
        f"{name}:{number}"
        for name in tracked_files()
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), start=1)
        if MACHINES_OWN[what].search(line)
    ]

    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_a_hash(lock: str) -> None:
    pins = re.split(r"^(?=\w)", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]

    assert pins
    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin or "==" not in pin] == []


@pytest.mark.parametrize("minor", ["3.1", "3.2", "3.3"])
def test_each_supported_airflow_has_a_lock(minor: str) -> None:
    lock = "requirements.lock" if minor == "3.3" else f"locks/airflow-{minor}.lock"

    assert re.search(rf"^apache-airflow=={re.escape(minor)}\.\d+ ", (ROOT / lock).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("minor", ["3.1", "3.2", "3.3"])
def test_each_airflow_and_python_has_constraints_of_its_lock(minor: str, python: str) -> None:
    lock = "requirements.lock" if minor == "3.3" else f"locks/airflow-{minor}.lock"
    locked = set(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / lock).read_text(), flags=re.MULTILINE))
    lines = (ROOT / f"locks/constraints/airflow-{minor}-python-{python}.txt").read_text().splitlines()
    pins = {tuple(line.split("==")) for line in lines if not line.startswith("#")}
    names = {name for name, _ in pins}

    assert pins <= locked
    assert {
        "apache-airflow",
        "apache-airflow-providers-microsoft-mssql",
        "apache-airflow-providers-postgres",
    } <= names
    assert not names & {"pytest", "hypothesis", "ruff", "mypy", "duckdb", "hatchling"}
    assert "--hash" not in "".join(lines)
