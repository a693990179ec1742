"""YAML in ``configs/``, compiled to DAGs of ``KubernetesPodOperator``.

``config`` turns text into a frozen model or a list of problems, ``build`` turns the model into DAGs,
``cli`` is the ``dagf`` command, ``cluster`` is a Kubernetes API on this machine for development.
"""
