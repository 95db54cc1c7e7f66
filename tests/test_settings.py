"""A settings file is right, or says what is wrong: file, line, path, what is allowed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from edfi_cte.settings import (
    DagSettings,
    Guards,
    ResourcePreferences,
    Retention,
    Settings,
    SettingsError,
    Target,
    load_settings,
)
from edfi_cte.settings.model import LimitSettings

GOOD = """\
version: 1
targets:
  - district_number: "039141"
    scope_year: 2026
    campus_conn_id: campus
    edfi_conn_id: edfi_2026
  - district_number: "039141"
    scope_year: 2025
    campus_conn_id: campus
    edfi_conn_id: edfi_2025
    preferences: last_year
preferences:
  default: {}
  last_year:
    send_end_date: true
"""


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "edfi_cte.yaml"
    path.write_text(text)
    return load_settings(path)


def mistake(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as error:
        use_all(tmp_path, text)
    return str(error.value)


def use_all(tmp_path: Path, text: str) -> None:
    settings = load(tmp_path, text)
    for target in settings.targets:
        settings.preferences_of(target)


def test_a_good_file(tmp_path: Path):
    settings = load(tmp_path, GOOD)
    assert [t.target_id for t in settings.targets_of(None)] == ["039141-2026", "039141-2025"]
    [last_year] = settings.targets_of(2025)
    assert last_year.edorg_id == 39141
    assert settings.preferences_of(last_year).send_end_date


@pytest.mark.parametrize("scope_year", [1899, 2024])
def test_a_year_that_is_not_configured(tmp_path: Path, scope_year: int):
    with pytest.raises(SettingsError, match=f"scope year {scope_year} is not configured.*039141-2026"):
        load(tmp_path, GOOD).targets_of(scope_year)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            (2024,),
            "scope year 2024 is not configured, so nothing is done; configured: 039141-2026, 039141-2025. Add a "
            "target for it to the settings file, or trigger with one of these years.",
        ),
        (
            (2025, "000001"),
            "district 000001 is not configured for scope year 2025, so nothing is done; configured: 039141-2026, "
            "039141-2025",
        ),
        (
            (None, "000001"),
            "district 000001 is not configured, so nothing is done; configured: 039141-2026, 039141-2025",
        ),
    ],
)
def test_what_is_not_configured_is_said_with_what_is(tmp_path: Path, asked: tuple[Any, ...], said: str):
    settings = load(tmp_path, GOOD)
    assert settings.targets_of(2025, "039141") == [settings.target("039141-2025")]
    assert settings.targets_of(None, "039141") == list(settings.targets)
    with pytest.raises(SettingsError) as refused:
        settings.targets_of(*asked)
    assert str(refused.value) == said


def test_a_target_that_is_not_configured_is_said_with_the_nearest(tmp_path: Path):
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, GOOD).target("039141-2027")
    assert str(refused.value) == (
        "no target '039141-2027' is configured. Did you mean '039141-2026'? Configured: 039141-2026, 039141-2025"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("scope_year: 2026", "scope_yaer: 2026", ["line 4", "targets[0].scope_yaer", "allowed here", "scope_year"]),
        ("scope_year: 2026", "scope_year: next", ["line 4", "targets[0].scope_year", "integer"]),
        ("scope_year: 2026", "scope_year: 1899", ["line 4", "greater than or equal to 2015"]),
        ('"039141"\n    scope_year: 2026', "39141\n    scope_year: 2026", ["line 3", "in quotes"]),
        ('"039141"\n    scope_year: 2026', '"39141"\n    scope_year: 2026', ["line 3", "district_number"]),
        ("scope_year: 2025", "scope_year: 2026", ["two targets share", "039141-2026", "Remove one"]),
        ("edfi_2025", "edfi_2026", ["share the same edfi_conn_id (edfi_2026)", "each scope year's own connection"]),
        (
            '"039141"\n    scope_year: 2025',
            '"055555"\n    scope_year: 2026\n    education_organization_id: 39141',
            ["share the same education organization and scope_year (39141, 2026)", "education_organization_id"],
        ),
        ("campus_conn_id: campus\n", 'campus_conn_id: "x\'; DROP TABLE y"\n', ["line 5", "campus_conn_id"]),
        (
            "preferences: last_year",
            "preferences: lastyear",
            ["no preferences named 'lastyear'", "default, last_year"],
        ),
        ("send_end_date: true", "send_end_date: maybe", ["line 15", "preferences.last_year.send_end_date"]),
        ("send_end_date: true", "send_enddate: true", ["line 15", "send_enddate", "allowed here", "send_end_date"]),
        ("version: 1", "version: 1\ndag: {deadline_minutes: 0}", ["line 2", "dag.deadline_minutes"]),
        ("version: 1", "version: 1\ndag: {deadline_callback: 'a b'}", ["line 2", "dag.deadline_callback"]),
        ('"039141"\n    scope_year: 2026', '"39141"\n    scope_year: 2026', ["six digits, in quotes"]),
        ("campus_conn_id: campus\n", "campus_conn_id: my campus\n", ["line 5", "letters, digits, '_', '-' and '.'"]),
        ("    edfi_conn_id: edfi_2026\n", "", ["line 3", "targets[0].edfi_conn_id: is missing"]),
        ("    scope_year: 2026\n", "    scope_year: 2026\n    scope_year: 2025\n", ["line 5", "written twice"]),
        ("version: 1", "version: 1\ndag: {schedule: every day}", ["line 2", "dag.schedule", "a cron expression"]),
        ("version: 1", "version: 1\ndag: {tags: cte}", ["line 2", "dag.tags: write a list"]),
        ("version: 1", "version: 1\nguards:", ["line 2", "guards: write settings below it"]),
        ("version: 1", "version: 2", ["line 1", "version"]),
        ("version: 1", "verson: 1", ["line 1", "no such setting. Did you mean 'version'?"]),
        ("version: 1", "version: 1\nguards: {maxDeleteCount: 3}", ["line 2", "Did you mean 'max_delete_count'?"]),
        ("scope_year: 2025", "scope_year: 2026", ["line 8: targets[1].scope_year: two targets share", "targets[0]"]),
        ("edfi_2025", "edfi_2026", ["line 10: targets[1].edfi_conn_id: two targets share"]),
        ("preferences: last_year", "preferences: lastyear", ["line 11: targets[1].preferences", "'last_year'?"]),
        ("edfi_conn_id: edfi_2026", "edfi_conn_id: edfi_2026\n    student_id: stateid", ["line 7", "'stateID'?"]),
        ("    scope_year: 2026", "\tscope_year: 2026", ["line 4: indented with a tab; indent with spaces"]),
        ("    send_end_date: true", "    \tsend_end_date: true", ["line 15: indented with a tab"]),
        ("version: 1", "\tversion: 1", ["line 1: indented with a tab"]),
        ("version: 1\n", "", ["edfi_cte.yaml, line 1: version: is missing"]),
        (
            "version: 1",
            "version: 1\nui: {ledger_conn: x}",
            ["line 2: ui.ledger_conn", "Those allowed here: ledger_conn_id"],
        ),
        ("version: 1", "version: [", ["line", "not valid YAML"]),
        ("scope_year: 2026", "scope_year:\n      next", ["line 5: targets[0].scope_year"]),
        ("scope_year: 2026", "scope_year:\n      ''", ["line 4: targets[0].scope_year"]),
        ("scope_year: 2026", "scope_year: 2101", ["line 4", "less than or equal to 2100"]),
        ("version: 1", "version: 1\ndag: {on_failure: [{notifer: a.b}]}", ["[0].notifer", "'notifier'?"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(tmp_path: Path, old: str, new: str, said: list[str]):
    message = mistake(tmp_path, GOOD.replace(old, new, 1))
    assert all(part in message for part in ["edfi_cte.yaml", *said]), message


def test_a_mistake_is_told_once(tmp_path: Path):
    text = GOOD.replace("campus_conn_id: campus", "campus_conn_id: my campus", 1)
    [_, file] = mistake(tmp_path, text).splitlines()
    assert file == f"The file: {tmp_path / 'edfi_cte.yaml'}"


def test_a_code_keeps_its_zeros_without_quotes(tmp_path: Path):
    """To YAML 1.1, 0110 is the number 72, so the mapping would be of a code that no record has."""
    text = GOOD.replace("  default: {}", "  default:\n    program_name: {mapping: {0110: Agriculture, 8: Health}}")
    settings = load(tmp_path, text.replace('"039141"', "012345"))
    [target] = settings.targets_of(2026)
    assert settings.preferences_of(target).program_name.mapping == {"0110": "Agriculture", "8": "Health"}
    assert target.district_number == "012345"


def test_a_number_is_text_where_text_is_wanted(tmp_path: Path):
    settings = load(tmp_path, GOOD + "dag: {owner: 7, queue: 12}\n")
    assert (settings.dag.owner, settings.dag.queue) == ("7", "12")


def test_the_defaults_are_those_of_a_district_that_says_nothing(tmp_path: Path):
    """What is sent, and whether anything is created, is not to change by itself."""
    settings = load(tmp_path, GOOD)
    target = settings.target("039141-2026")
    chosen = settings.preferences_of(target)
    assert (chosen.send_end_date, chosen.create_missing_programs) == (False, False)
    assert (target.enabled, target.first_contact, target.exclude_also) == (True, "wait", ())


def test_a_fingerprint_is_the_same_however_the_codes_are_ordered():
    def fingerprint(*codes: str) -> str:
        return ResourcePreferences.model_validate({"career_pathway": dict.fromkeys(codes)}).fingerprint()

    assert fingerprint("a", "b") == fingerprint("b", "a") != fingerprint("a")
    assert len(fingerprint()) == 32, "the ledger's column"


def test_a_relative_sql_dir_is_beside_the_file_whatever_the_working_directory(tmp_path: Path, monkeypatch: Any):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(tmp_path, "sql_dir: our_sql\n" + GOOD).sql_dir == tmp_path / "our_sql"
    assert load(tmp_path, "sql_dir: /etc/sql\n" + GOOD).sql_dir == Path("/etc/sql")


@pytest.mark.parametrize(
    "code", ["0110", "08", "52.0400", "01.0501", "yes", "NO", "null", "~", "1_0", "12:30", '"0110"']
)
def test_a_code_is_what_stands_in_the_file(tmp_path: Path, code: str):
    text = f"  default:\n    program_name:\n      mapping:\n        {code}: Agriculture\n"
    settings = load(tmp_path, GOOD.replace("  default: {}\n", text))
    mapping = settings.preferences_of(settings.target("039141-2026")).program_name.mapping
    assert mapping == {code.strip('"'): "Agriculture"}


def test_a_mistake_behind_a_code_has_its_line(tmp_path: Path):
    text = "  default:\n    career_pathway:\n      0110: null\n      52.0400: Agriculture\n"
    message = mistake(tmp_path, GOOD.replace("  default: {}\n", text))
    assert "line 16: preferences.default.career_pathway.52.0400: a descriptor is written" in message


def test_a_mapping_may_be_shared_by_anchor(tmp_path: Path):
    default = "  default:\n    career_pathway: &shared {0110: null}\n"
    text = default + "  next_year:\n    career_pathway: {<<: *shared, 08: null}\n"
    settings = load(tmp_path, GOOD.replace("  default: {}\n", text))
    assert settings.preferences["next_year"]["career_pathway"] == {"0110": None, "08": None}


def test_a_mistake_in_one_years_preferences_leaves_the_other_year_alone(tmp_path: Path):
    settings = load(tmp_path, GOOD.replace("send_end_date: true", "send_end_date: maybe"))
    [this_year] = settings.targets_of(2026)
    assert settings.preferences_of(this_year) is not None


@pytest.mark.parametrize(
    "uri",
    [
        "Career and Technical Education",
        "http://x/ProgramTypeDescriptor#A",
        "uri://x/ProgramTypeDescriptor",
        "uri://x/YDescriptor#a#b",
    ],
)
def test_a_descriptor_that_is_none_is_refused_with_an_example(tmp_path: Path, uri: str):
    text = GOOD.replace("  default: {}", f"  default:\n    program_type_descriptor: {uri!r}")
    assert "uri://ed-fi.org/ProgramTypeDescriptor#" in mistake(tmp_path, text)


@pytest.mark.parametrize(
    ("setting", "attempt"),
    [
        ("district_number", "039141'; DROP TABLE Enrollment; --"),
        ("district_number", "039141;"),
        ("district_number", "[39141"),
        ("district_number", "\uff10\uff13\uff19\uff11\uff14\uff11"),
        ("district_number", "\u0660\u0663\u0669\u0661\u0664\u0661"),
        ("scope_year", "2026; DROP TABLE Enrollment"),
        ("scope_year", "2026 OR 1=1"),
        ("campus_conn_id", "campus'"),
        ("campus_conn_id", "campus]"),
        ("edfi_conn_id", "edfi;rm"),
        ("edfi_conn_id", "\u0435dfi"),
        ("student_id", "stateID] FROM Person; --"),
        ("student_id", "state\u0406D"),
        ("campus_isolation", "snapshot; DROP TABLE Enrollment"),
    ],
)
def test_an_injection_is_refused_wherever_it_is_tried(tmp_path: Path, setting: str, attempt: str):
    content = yaml.safe_load(GOOD)
    content["targets"][0][setting] = attempt
    message = mistake(tmp_path, yaml.safe_dump(content))
    assert f"targets[0].{setting}" in message


@pytest.mark.parametrize("limits", ["{lock_seconds: 301}", "{statement_seconds: 60}", "{statement_seconds: 5}"])
def test_a_lock_is_waited_for_no_longer_than_the_statement_that_wants_it(tmp_path: Path, limits: str):
    message = mistake(tmp_path, GOOD + f"limits: {limits}\n")
    assert "limits: lock_seconds (" in message
    assert "is not less than statement_seconds (" in message
    assert "Lower lock_seconds, or raise statement_seconds." in message


DESCRIPTOR = "uri://ed-fi.org/ProgramTypeDescriptor#"


@pytest.mark.parametrize(
    ("setting", "taken", "refused"),
    [
        *((name, "c" * 200, "c" * 201) for name in ("ledger_conn_id", "ui.ledger_conn_id", "targets.0.edfi_conn_id")),
        ("targets.0.campus_conn_id", "c", ""),
        ("targets.0.district_number", "000001", "00001"),
        ("targets.0.district_number", "999999", "1000000"),
        ("targets.0.education_organization_id", 1, 0),
        ("targets.0.education_organization_id", 2**63 - 1, 2**63),
        ("dag.pool", "p", ""),
        ("dag.deadline_minutes", 10080, 10081),
        ("dag.deadline_minutes", 0.1, 0),
        ("dag.lanes_per_task", 1, 0),
        ("dag.lanes_per_task", 500, 501),
        ("preferences.default.program_name.mapping.0110", "P" * 60, "P" * 61),
        ("preferences.default.program_name.mapping.0110", "P", ""),
        ("preferences.default.program_name.mapping.0110", "P\u00a0P", "P\0P"),
        ("preferences.default.program_name.mapping.0110", "P P", "P\nP"),
        ("preferences.default.program_type_descriptor", DESCRIPTOR + "\u00a0", DESCRIPTOR + "x\0"),
        ("preferences.default.program_type_descriptor", DESCRIPTOR.ljust(306, "x"), DESCRIPTOR.ljust(307, "x")),
        ("preferences.default.program_type_descriptor", DESCRIPTOR + "x", DESCRIPTOR),
        ("preferences.default.career_cluster.mapping", {"1": DESCRIPTOR + "x"}, {" ": DESCRIPTOR + "x"}),
    ],
)
def test_a_value_at_its_bound_is_taken_and_one_beyond_is_refused(
    tmp_path: Path, setting: str, taken: Any, refused: Any
):
    """Of text, and of numbers that may be null; docs/settings.md tells the other bounds, and is made from the code.

    200 characters are Airflow's for a connection's id; 60, 306 and 64 bits are the Ed-Fi API's.
    """
    content = yaml.safe_load(GOOD)
    *path, name = [int(part) if part == "0" else part for part in setting.split(".")]
    section: Any = content
    for part in path:
        section = section[part] if isinstance(section, list) else section.setdefault(part, {})
    section[name] = taken
    read = load(tmp_path, yaml.safe_dump(content))
    assert read.preferences_of(read.targets[0])
    section[name] = refused
    assert setting.replace(".0.", "[0].") in mistake(tmp_path, yaml.safe_dump(content))


def test_a_limit_of_a_lock_below_that_of_a_statement_is_taken(tmp_path: Path):
    limits = load(tmp_path, GOOD + "limits: {lock_seconds: 299.5}\n").limits
    assert (limits.lock_seconds, limits.statement_seconds) == (299.5, 300)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"cannot be read.*SETTINGS_FILE"):
        load_settings(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["", "- 1\n", "just text\n"])
def test_a_file_with_nothing_in_it(tmp_path: Path, text: str):
    assert "version: 1" in mistake(tmp_path, text)


def test_the_example_file_shows_every_setting_with_its_default():
    path = Path(__file__).parents[1] / "include" / "edfi_cte.example.yaml"
    settings = load_settings(path)
    [target] = settings.targets
    assert settings.preferences_of(target) == ResourcePreferences()
    shown = yaml.safe_load(path.read_text())
    models = [
        (shown, Settings),
        (shown["targets"][0], Target),
        (shown["preferences"]["default"], ResourcePreferences),
        (shown["guards"], Guards),
        (shown["retention"], Retention),
        (shown["limits"], LimitSettings),
        (shown["dag"], DagSettings),
    ]
    for section, model in models:
        assert section.keys() == model.model_fields.keys()
    assert (settings.guards, settings.retention) == (Guards(), Retention())
    assert (settings.limits, settings.dag) == (LimitSettings(), DagSettings())
