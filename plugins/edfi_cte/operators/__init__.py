"""Airflow operators: :mod:`.edfi` for any Ed-Fi resource, the others for the sync."""
