"""What Airflow's plugin manager is told about this package."""

from airflow.plugins_manager import AirflowPlugin


class EdFiCtePlugin(AirflowPlugin):
    """Makes the package visible in Admin > Plugins and ``airflow plugins``."""

    name = "edfi_cte"
