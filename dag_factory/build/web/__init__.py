"""The pages in Airflow that say why: a web app that Airflow's API server mounts below ``/dagwright``.

``plugin.py`` names it. The rules are in ``dag_factory/reasons``. The modules here read the facts from Airflow's
database and the project, check access, and write HTML.
"""
