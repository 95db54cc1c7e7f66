"""The settings file is read once a process, seen anew when it changes, and read alike with and without libyaml."""

import os
import re
from pathlib import Path

import pytest
import yaml

from edfi_cte.settings import Settings, SettingsError, count_targets, load_dag_settings, load_settings, reading
from tests.test_settings import GOOD

MERGED = GOOD.replace("version: 1", "version: 1\nguards: {<<: &usual {max_delete_count: 3}, max_delete_fraction: 2}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "edfi_cte.yaml"
    path.write_text(GOOD)
    return path


def settle(path: Path, seconds_ago: int = 60) -> None:
    moment = path.stat().st_mtime - seconds_ago
    os.utime(path, (moment, moment))


def test_a_file_is_read_once(path: Path):
    settle(path)
    first = load_settings(path)
    load_dag_settings(path)
    assert load_settings(path) is first


def test_a_change_is_seen(path: Path):
    settle(path)
    assert load_settings(path).targets[0].scope_year == 2026
    path.write_text(GOOD.replace("2026", "2024"))
    settle(path, 30)
    assert load_settings(path).targets[0].scope_year == 2024


def test_two_changes_within_a_moment_are_both_seen(path: Path):
    for year in ("2021", "2022", "2023"):
        path.write_text(GOOD.replace("2026", year))
        assert load_settings(path).targets[0].scope_year == int(year)


def test_a_file_that_is_mended_is_taken(path: Path):
    path.write_text(GOOD.replace("version: 1", "version: 2"))
    settle(path)
    with pytest.raises(SettingsError):
        load_settings(path)
    with pytest.raises(SettingsError):
        load_settings(path)
    path.write_text(GOOD)
    assert len(load_settings(path).targets) == 2


def test_a_file_that_has_gone_is_missed(path: Path):
    settle(path)
    load_settings(path)
    path.unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(path)


def test_the_dag_is_read_without_the_targets(path: Path):
    many = "".join(f"  - {{district_number: x{n}, scope_year: {n}}}\n" for n in range(2000))
    path.write_text(f"version: 1\ndag: {{schedule: '@weekly'}}\ntargets:\n{many}")
    assert load_dag_settings(path).schedule == "@weekly"
    with pytest.raises(SettingsError):
        load_settings(path)


@pytest.mark.parametrize("key", ["Dag", "DAG", "dags", "dag_settings", "schedule"])
def test_a_dag_part_under_another_name_is_no_default_schedule(path: Path, key: str):
    """One that was to be triggered by hand would run daily."""
    path.write_text(f"version: 1\n{key}: {{schedule: null}}\n")
    with pytest.raises(SettingsError, match=rf"line 2: {key}: no such setting"):
        load_dag_settings(path)


def test_another_mistake_beside_a_dag_part_leaves_the_dag_alone(path: Path):
    path.write_text("version: 1\ndag: {schedule: null}\nguard: {}\n")
    assert load_dag_settings(path).schedule is None


def test_the_dag_may_be_merged_in(path: Path):
    path.write_text("<<: {dag: {schedule: '@weekly'}}\n" + GOOD)
    assert load_dag_settings(path).schedule == "@weekly"


def test_a_part_alone_may_be_merged_in(path: Path):
    path.write_text("<<: {dag: {schedule: '@weekly'}}\n" + GOOD)
    assert reading.read_document(path).part("dag") == {"schedule": "@weekly"}


def test_what_stands_over_a_merged_value_is_named_by_its_own_line(path: Path):
    path.write_text(MERGED)
    with pytest.raises(SettingsError, match=r"line 2: guards\.max_delete_fraction"):
        load_settings(path)


@pytest.mark.parametrize("text", ["version: &all [*all]\n", "version: 1\nguards: &g {a: {b: *g}}\n"])
def test_a_value_within_itself_is_named(path: Path, text: str):
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"line \d: not valid YAML: the value is within itself"):
        load_settings(path)


@pytest.mark.parametrize("text", ["? [a, b]\n: 1\n", "version: !!python/name:os.system\n", "version: !!int x\n"])
def test_what_a_settings_file_has_no_use_for_is_one_sentence(path: Path, text: str):
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"edfi_cte\.yaml, line 1"):
        load_settings(path)


TEXTS = [
    GOOD,
    MERGED.replace("fraction: 2", "fraction: 0.2"),
    GOOD.replace("send_end_date: true", "career_cluster: {mapping: {08: 'uri://a.b/CDescriptor#8'}}"),
    GOOD.replace("{}", "{career_pathway: {52.0400: ~, 0110: null}}"),
    "\ufeff" + GOOD,
]


@pytest.mark.parametrize("text", TEXTS)
def test_libyaml_and_python_read_the_same(path: Path, text: str):
    class Python(yaml.SafeLoader):
        yaml_implicit_resolvers = reading._Loader.yaml_implicit_resolvers

    path.write_text(text, encoding="utf-8")
    by_python = reading.Document(path, yaml.compose(text, Loader=Python)).content()
    assert load_settings(path).model_dump() == Settings.model_validate(by_python).model_dump()


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("cp1252", "1252")]
)
def test_a_file_that_is_not_utf_8_is_named_with_its_line(path: Path, encoding: str, said: str):
    path.write_bytes(("# Línea\n" + GOOD).encode(encoding))
    with pytest.raises(SettingsError, match=rf"line 1: the file is not UTF-8 but .*{said}.*Save it as UTF-8"):
        load_settings(path)


def test_the_line_that_is_not_utf_8_is_counted_from_one(path: Path):
    path.write_bytes(("# one\n# two\n# L\u00ednea\n" + GOOD).encode("cp1252"))
    with pytest.raises(SettingsError, match=r"line 3: the file is not UTF-8 but Windows-1252"):
        load_settings(path)


def test_what_is_no_yaml_is_said_in_one_line_without_the_parsers_context(path: Path):
    path.write_text("version: 1\nguards: {a: 1\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(path)
    said = str(refused.value)
    first, where = said.splitlines()
    assert re.search(r", line 3: not valid YAML: (did not find )?expected ',' or '}'", first)
    assert where == f"The file: {path}"


def test_a_tab_elsewhere_is_not_what_is_wrong(path: Path):
    """Where it stands in a text, or after the line that is wrong."""
    path.write_text("a: |\n  x\n  \ty\nb: 1\nc: ]\n\tz\n")
    with pytest.raises(SettingsError, match=r"^edfi_cte\.yaml, line 5: not valid YAML"):
        load_settings(path)


def test_a_character_that_no_yaml_has_is_said(path: Path):
    path.write_text("version: 1\n# \x07\n\t# not this\n")
    with pytest.raises(SettingsError, match=r"not valid YAML: .*(control|special) character"):
        load_settings(path)


@pytest.mark.parametrize(
    ("text", "count"),
    [(GOOD, 2), ("version: 1\ntargets: [x]\n", 1), ("version: 1\ntargets: 039141\n", 0), ("version: 1\n", 0)],
)
def test_the_targets_are_counted_right_or_wrong(path: Path, text: str, count: int):
    path.write_text(text)
    assert count_targets(path) == count


def test_of_a_name_that_is_not_known_the_nearest_is_said_where_the_schedule_can_not_be_known(path: Path):
    path.write_text("version: 1\ndagg: {schedule: null}\n")
    with pytest.raises(SettingsError) as refused:
        load_dag_settings(path)
    assert str(refused.value).splitlines()[0] == (
        "edfi_cte.yaml, line 2: dagg: no such setting. Did you mean 'dag'? There is no 'dag' either, and what was to "
        "be the schedule can't be known."
    )


def test_a_part_is_none_where_the_file_has_no_such_name(path: Path):
    assert reading.read_document(path).part("dag") is None
    assert reading.read_document(path).part("version") == 1
    assert reading.read_document(path).names() == ["version", "targets", "preferences"]
    path.write_text("<<: {dag: {}}\nversion: 1\n")
    assert reading.read_document(path).names() == ["dag", "version"]
