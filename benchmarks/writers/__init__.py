"""One module per contestant. Each writes the same pipelines as a user of that tool would write them.

``write(pipelines, folder)`` makes an Airflow project in ``folder``, with its DAGs in ``folder/dags``.
"""
