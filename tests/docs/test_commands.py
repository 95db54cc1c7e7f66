"""The commands that README and docs show are there and take what is shown; CI runs them, or it is said why not."""

import re
import shlex
from pathlib import Path

import pytest

from edfi_cte.cli.command import _parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"^ *\$ (.+?)(?: +#.*)?$|`((?:edfi-cte|make) [^`]+)`", re.MULTILINE)
RUN_BY_CI = {"lint", "test", "demo", "docs", "test-installs", "test-browser", "test-cluster"}
RUN_BY_TESTS = {
    "build": "tests/packaging/conftest.py",
    "docs-generated": "tests/docs/test_generated.py",
    "revision": "tests/ledger/test_migrations.py",
}
NOT_RUN_HERE = {"up": "Docker", "down": "Docker"}
BY_HAND = {
    "test-quick": "a part of make test",
    "sandbox": "runs until it is stopped; the demo and the tests start the same server",
    "bench": "minutes; docs/performance.md has its figures",
    "bench-state": "a quarter of an hour; docs/performance.md has its figures",
    "ui": "serves pages until it is stopped; make test-browser walks them",
    "screenshots": "draws the pages for the docs; make test-browser walks them",
    "mutants": "minutes to hours, by the number asked for",
    "lock": "asks the registry for the newest versions",
}


OTHERS = {
    ".venv/bin/python -m pytest -n 0 tests/rules/test_no_show.py": "tests/rules/test_no_show.py",
    "PYTHONPATH=$AIRFLOW_HOME/plugins python -m edfi_cte.cli": "tests/packaging/test_install_ways.py",
    "airflow connections test edfi_2026": "tests/hooks/test_connection_type.py",
    "airflow dags test": "sandbox/demo.py",
    "airflow dags trigger": "tests/cluster/cluster.py",
    "airflow plugins": "tests/packaging/findings.py",
    "airflow providers hooks": "tests/packaging/findings.py",
    "airflow standalone": "tests/browser/test_newcomer.py",
    "pip install --no-deps --target $AIRFLOW_HOME/plugins dist/edfi_cte-*.whl": "tests/packaging/environments.py",
    "pip install --no-deps dist/edfi_cte-*.whl": "tests/packaging/environments.py",
    "pip install -c": "tests/packaging/test_repository.py",
    "pip install dist/edfi_cte-*.whl": "tests/packaging/environments.py",
    "python -m bench --row 4": "bench/__main__.py",
    "python -m bench.campus": "bench/campus.py",
    "python -m sandbox.campus tsql > campus.sql": "tests/campus/test_sample.py",
}
"""Other commands in the pages' text, and the file that runs each, or is what it runs (a bench is run by hand)."""
INLINE = re.compile(r"`((?:airflow|python|pip|curl|\.venv/bin/\w+|PYTHONPATH=\S+) [^`]+)`")


def shown() -> list[tuple[str, str]]:
    """Each command with the page that shows it."""
    return sorted(
        {
            (page.name, (whole or inline).strip())
            for page in PAGES
            for whole, inline in SHOWN.findall(page.read_text(encoding="utf-8"))
        }
    )


COMMANDS = shown()
MAKE = [(page, command) for page, command in COMMANDS if command.startswith("make ")]
OURS = [(page, command) for page, command in COMMANDS if command.startswith("edfi-cte ")]
PLACEHOLDERS = {"<enrollmentID>": "12345", "<target>": "039141-2026", "Y": "2026"}
KNOWN_OTHERS = ("docker compose ", ".venv/bin/pre-commit install", "pip install -c locks/constraints/")
"""The first can't be run here, as its page says; the third is that of tests/packaging."""


@pytest.mark.parametrize(("page", "command"), MAKE)
def test_a_make_target_is_there_and_somebody_runs_it(page: str, command: str):
    target = command.split()[1]

    assert re.search(rf"^{re.escape(target)}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert target in RUN_BY_CI | RUN_BY_TESTS.keys() | NOT_RUN_HERE.keys() | BY_HAND.keys()


def test_ci_runs_what_it_is_said_to_run():
    targets = re.search(r"^for target in (.+); do$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)

    assert targets is not None
    assert set(targets[1].split()) >= RUN_BY_CI


@pytest.mark.parametrize(("page", "command"), OURS)
def test_the_command_takes_what_is_shown(page: str, command: str):
    """A name alone is a mention: there is such a command. With more it is a call: it takes these words."""
    name, *rest = (PLACEHOLDERS.get(word, word) for word in shlex.split(command)[1:])
    if rest:
        _parser().parse_args([name, *rest])
        return
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args([name, "--help"])
    assert ended.value.code == 0


@pytest.mark.parametrize("page", [page for page in PAGES if "docker compose" in page.read_text(encoding="utf-8")])
def test_what_could_not_be_run_is_marked(page: Path):
    assert "Not run" in page.read_text(encoding="utf-8")


def test_what_else_the_text_calls_is_run_by_a_file_that_is_there():
    called = {command for page in PAGES for command in INLINE.findall(page.read_text(encoding="utf-8"))}
    called |= {"airflow dags trigger"}  # of docs/deletes.md, a block

    assert called == OTHERS.keys()
    assert [path for path in OTHERS.values() if not (ROOT / path).is_file()] == []


def test_no_other_command_is_shown():
    others = [command for _, command in COMMANDS if not command.startswith(("make ", "edfi-cte ", *KNOWN_OTHERS))]

    assert others == []
