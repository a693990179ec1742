"""From wine chemistry to a report: `features`, `train`, `evaluate` and `report`, one module for each job."""

import os

# numpy counts the cores of the machine, but a pod gets only some of them. Set this before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
