"""Airflow on this machine, for development: it runs in processes of its own and is used through its REST API.

This package imports neither Airflow nor the builder, so that Airflow runs here as it does anywhere. Only
``task_log_reader`` imports Airflow: the API server loads it.
"""
