"""Why a pipeline, a run or a task is in its state, in sentences: pure rules from facts.

Many of these states have no log: a task that waits for a pool, a run that waits for another run, a pipeline that is
paused or deleted. The web page reads the facts from Airflow's database (``build/web``); the rules here know no Airflow.
"""
