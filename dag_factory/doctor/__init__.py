"""Looks at an installation, a project, a cluster and an Airflow, and says what would fail. For ``dagf doctor``."""
