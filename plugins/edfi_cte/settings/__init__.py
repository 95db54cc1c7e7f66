"""The deployment's settings: targets, resource preferences and guards, from one YAML file under version control.

Every error names the file, the line, the path of the value and what is allowed there.
"""

from edfi_cte.settings.model import CampusMapping, DagSettings, Guards, Notification, Retention, Settings, Target
from edfi_cte.settings.place import find_settings
from edfi_cte.settings.preferences import (
    CAREER_CLUSTERS,
    CTE_PROGRAM_TYPE_URI,
    UNLISTED_CAREER_CLUSTERS,
    ResourcePreferences,
)
from edfi_cte.settings.reading import count_targets, load_dag_settings, load_settings
from edfi_cte.settings.values import SettingsError

__all__ = [
    "CAREER_CLUSTERS",
    "CTE_PROGRAM_TYPE_URI",
    "UNLISTED_CAREER_CLUSTERS",
    "CampusMapping",
    "DagSettings",
    "Guards",
    "Notification",
    "ResourcePreferences",
    "Retention",
    "Settings",
    "SettingsError",
    "Target",
    "count_targets",
    "find_settings",
    "load_dag_settings",
    "load_settings",
]
