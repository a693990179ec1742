"""Build Airflow DAGs of ``KubernetesPodOperator`` tasks from the YAML files in ``configs/``.

``config`` compiles text to a frozen model or to a list of problems. ``build`` builds DAGs from the model. ``cli`` is
the command ``dagf``. ``local`` runs Airflow, and ``cluster`` a Kubernetes API, on this machine for development.
"""
