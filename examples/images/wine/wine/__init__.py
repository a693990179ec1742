"""From wine chemistry to a report: `features`, `train`, `evaluate` and `report`, a module for each job."""

import os

# A pod gets a share of a machine, but numpy counts the machine's cores. Must be set before it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
