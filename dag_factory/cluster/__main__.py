"""``python -m dag_factory.cluster CONFIG FD``: the background process that ``up`` starts."""

import sys
from pathlib import Path

from .server import main

main(Path(sys.argv[1]), int(sys.argv[2]))
