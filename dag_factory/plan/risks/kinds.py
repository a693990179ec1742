"""The kinds of risks. Their names are stable: `--fail-on` and the JSON output use them."""

RISKS = {
    "alerts-reduced": "Alerts are off, an alert has no channel any more, or a deadline is removed.",
    "catchup": "Catchup is on, so Airflow may start many runs for the past at once.",
    "dag-removed": "A DAG is removed. It gets no new runs, and the next jobs of runs in progress fail.",
    "dag-renamed": "A DAG has a new id. For Airflow it is a new DAG, without the runs and the history of the old one.",
    "depends-on-past": "A run waits for the run before it, so a failed run stops all later ones.",
    "environment-added": "An environment is new.",
    "guard-loosened": "A limit of the environment or of a team allows more: images, sizes, allow lists, pod security.",
    "guards-unknown": "The limits cannot be compared, because the platform files of an environment have errors.",
    "job-removed": "A job is removed that other jobs waited for.",
    "more-privileges": "A pod gets something that pod security `baseline` forbids, such as a path of the node.",
    "moving-image": "An image has no fixed tag, so it may change without a change of the configuration.",
    "namespace-changed": "The pods run in another namespace or in another cluster.",
    "new-secret": "A pod reads a secret that it did not read before.",
    "newly-scheduled": "A pipeline that was started by hand or paused runs by itself.",
    "retries-removed": "A failed try is not repeated any more.",
    "runs-in-progress": "A DAG with unfinished runs gets a new version.",
    "runs-more-often": "The schedule starts more runs.",
    "service-account-changed": "The pods run with another service account, which has other permissions.",
    "timeout-removed": "A job or a run has no time limit any more.",
}
"""Each kind with one sentence for the help and the documentation."""
