"""Feature tables as CSV files: one row for each wine, with its cultivar in the last column."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

LABEL = "cultivar"


def write(path: Path, names: list[str], features: np.ndarray, labels: np.ndarray) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*names, LABEL])
        rows.writerows([*map(repr, map(float, row)), int(label)] for row, label in zip(features, labels))


def read(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    if header[-1] != LABEL or not rows:
        raise SystemExit(
            f"{path} is not a feature table: it must have rows, and its last column must be {LABEL!r}"
        )
    values = np.array(rows, dtype=float)
    return header[:-1], values[:, :-1], values[:, -1].astype(int)
