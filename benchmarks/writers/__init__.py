"""One module for each contestant: the same pipelines, written as its users would write them.

Each has ``write(pipelines, folder)``, which makes an Airflow project in ``folder``, the DAGs in ``dags/``.
"""
