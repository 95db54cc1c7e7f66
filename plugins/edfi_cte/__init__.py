"""Student CTE Program Associations, from Infinite Campus to an Ed-Fi ODS, on Apache Airflow."""

__version__ = "0.1.0"
