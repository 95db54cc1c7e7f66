"""Where the settings file is looked for: what the configuration names, else beside the DAG and the DAGs folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from edfi_cte.settings import SettingsError, find_settings

DAG = "bundle/dags/team/cte/dag.py"


def write(tmp_path: Path, *names: str) -> list[Path]:
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def test_the_nearest_file_beside_the_dag_is_taken_and_below_it_the_one_in_include(tmp_path: Path):
    """Three folders up from a DAG's file and no further, then beside the DAGs folder, then in it."""
    order = write(
        tmp_path,
        "bundle/dags/team/cte/include/edfi_cte.yaml",
        "bundle/dags/team/cte/edfi_cte.yaml",
        "bundle/dags/team/include/edfi_cte.yaml",
        "bundle/dags/team/edfi_cte.yaml",
        "bundle/dags/include/edfi_cte.yaml",
        "bundle/dags/edfi_cte.yaml",
        "home/include/edfi_cte.yaml",
        "home/edfi_cte.yaml",
        "home/dags/include/edfi_cte.yaml",
        "home/dags/edfi_cte.yaml",
    )
    write(tmp_path, "bundle/include/edfi_cte.yaml")
    for path in order:
        assert find_settings(None, tmp_path / DAG, tmp_path / "home/dags") == path
        path.unlink()
    with pytest.raises(SettingsError):
        find_settings(None, tmp_path / DAG, tmp_path / "home/dags")


def test_without_a_dag_it_is_looked_for_beside_the_dags_folder(tmp_path: Path):
    [path] = write(tmp_path, "home/include/edfi_cte.yaml")
    write(tmp_path, "bundle/dags/include/edfi_cte.yaml")
    assert find_settings(None, None, tmp_path / "home/dags") == path


def test_a_whole_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whether it is there or not: the reading says that it is not."""
    write(tmp_path, "include/edfi_cte.yaml")
    monkeypatch.setenv("OUR_FOLDER", str(tmp_path / "ours"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert find_settings("$OUR_FOLDER/cte.yaml", None, tmp_path / "dags") == tmp_path / "ours/cte.yaml"
    assert find_settings("~/cte.yaml", None, tmp_path / "dags") == tmp_path / "home/cte.yaml"


def test_a_relative_path_is_looked_for_by_its_name_alone(tmp_path: Path):
    write(tmp_path, "bundle/dags/include/edfi_cte.yaml")
    [path] = write(tmp_path, "home/conf/cte.yaml")
    assert find_settings("conf/cte.yaml", tmp_path / DAG, tmp_path / "home/dags") == path


def test_where_there_is_none_each_folder_is_named_once(tmp_path: Path):
    dags = tmp_path / "home/dags"
    with pytest.raises(SettingsError) as missing:
        find_settings(None, dags / "dag.py", dags)
    folders = [dags, dags.parent, dags.parent.parent]
    files = [folder / name for folder in folders for name in ("include/edfi_cte.yaml", "edfi_cte.yaml")]
    said = str(missing.value)
    assert "edfi-cte init writes one" in said
    assert said.partition("Looked for: ")[2] == ", ".join(map(str, files))
    with pytest.raises(SettingsError) as missing:
        find_settings("conf/cte.yaml", None, dags)
    assert str(missing.value).endswith(f"Looked for: {dags.parent / 'conf/cte.yaml'}, {dags / 'conf/cte.yaml'}")
