"""Filling an Ed-Fi API with a seed: associations come last, and are not left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox import fill
from sandbox.ods import serve
from tests.sandbox.target import association


def test_associations_of_a_seed_are_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"studentCTEProgramAssociations": [association()]}))
    with serve() as ods:
        monkeypatch.setenv("EDFI_KEY", ods.key)
        monkeypatch.setenv("EDFI_SECRET", ods.secret)
        assert fill.main([ods.base_url, str(seed)]) == 0
        assert len(ods.control.documents("studentCTEProgramAssociations")) == 1
