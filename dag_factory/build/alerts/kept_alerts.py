"""The DAG that sends the alerts that could not be sent at once. Each project has it if its environment sends alerts.

A worker sends them, so a mail server that hangs stops neither the scheduler nor the DAG processor.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, BaseOperator

from dag_factory.config.ids import DagId

DAG_ID = DagId("_dagwright.alerts")
"""No pipeline can have this id: names of teams begin with a letter or digit."""

SECONDS = 30.0
"""How long one alert may take."""

_START = datetime(2026, 1, 1, tzinfo=timezone.utc)
_PAGE = """\
Sends the alerts that could not be sent at once, for example because the mail server did not answer. They wait as
Airflow variables whose names begin with `dagwright_alert_`. An alert that cannot be sent for three days is given up.
After each failure an alert waits longer, at most an hour. A run that you start by hand tries all of them at once.
"""


class SendKeptAlerts(BaseOperator):
    """Sends every alert that waits."""

    def execute(self, context: Any) -> None:
        """Send the alerts that are due. A channel that fails is in the log; it does not fail the task."""
        from dag_factory.build.alerts import outbox
        from dag_factory.build.alerts.deliver import send_kept

        now = time.time()
        by_hand = context["dag_run"].run_type == "manual"
        send_kept(list(outbox.all_kept()), now, SECONDS, all_now=by_hand)
        outbox.remove_old_marks(now)


def kept_alerts_dag() -> DAG:
    """The DAG. It is the same in every project."""
    dag = DAG(
        DAG_ID,
        description="Sends alerts that could not be sent at once",
        schedule="*/5 * * * *",
        start_date=_START,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        dagrun_timeout=timedelta(minutes=30),
        tags=["dagwright"],
        doc_md=_PAGE,
    )
    SendKeptAlerts(task_id="send", dag=dag, retries=0, execution_timeout=timedelta(minutes=20))
    return dag
