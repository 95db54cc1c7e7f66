"""How Sphinx builds the documentation site (make docs)."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

project = "edfi-cte"
author = "The edfi-cte authors"
extensions = ["myst_parser", "autoapi.extension"]
exclude_patterns = ["*.head.md"]

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 3

# Read from the source, not imported: the site needs no Airflow.
autoapi_dirs = [str(ROOT / "plugins" / "edfi_cte")]
autoapi_root = "api"
autoapi_add_toctree_entry = False
autoapi_keep_files = False
autoapi_options = ["members", "show-inheritance"]
autoapi_file_patterns = ["*.py"]
PUBLIC = ("hooks", "operators", "ods")
autoapi_ignore = [
    str(path)
    for path in (ROOT / "plugins" / "edfi_cte").iterdir()
    if path.name not in PUBLIC and path.name != "__init__.py"
]
# Modules that are not public are not read, so names that come from them stay plain text.
suppress_warnings = ["autoapi.python_import_resolution"]

html_theme = "furo"
html_title = "edfi-cte"
html_static_path: list[str] = []
