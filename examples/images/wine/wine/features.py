"""Job `features`: read the data set, check it, derive features, and split off a test set."""

from __future__ import annotations

import argparse
import hashlib
import time

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from wine import run, table

SEED = 20260101


def derive(names: list[str], values: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Add two ratios that chemists use, so that the models need not learn them."""
    column = {name: values[:, i] for i, name in enumerate(names)}
    ratios = {
        "flavanoid_share": column["flavanoids"] / column["total_phenols"],
        "colour_per_alcohol": column["color_intensity"] / column["alcohol"],
    }
    return [*names, *ratios], np.column_stack([values, *ratios.values()])


def check(values: np.ndarray, labels: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise SystemExit("the data set has missing or infinite values")
    if (values < 0).any():
        raise SystemExit("the data set has negative concentrations")
    if len(values) != len(labels):
        raise SystemExit(f"the data set has {len(values)} wines but {len(labels)} labels")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test-share", type=float, default=0.3)
    args = parser.parse_args()
    if not 0 < args.test_share < 1:
        parser.error(f"--test-share must be between 0 and 1, not {args.test_share}")
    run.start_log()
    started = time.time()

    data = load_wine()
    check(data.data, data.target)
    names, values = derive([name.replace("/", "_") for name in data.feature_names], data.data)
    run.log.info(
        "read %d wines of %d cultivars, %d features", len(values), len(data.target_names), len(names)
    )

    train_x, test_x, train_y, test_y = train_test_split(
        values, data.target, test_size=args.test_share, stratify=data.target, random_state=SEED
    )
    table.write(run.folder() / "train.csv", names, train_x, train_y)
    table.write(run.folder() / "test.csv", names, test_x, test_y)
    facts = {
        "rows": len(values),
        "measured": data.data.shape[1],
        "features": len(names),
        "classes": [f"Cultivar {i + 1}" for i in range(len(data.target_names))],
        "train": len(train_x),
        "test": len(test_x),
        "sha256": hashlib.sha256(np.ascontiguousarray(data.data).tobytes()).hexdigest(),
        "started": started,
    }
    run.write_json("features.json", facts)
    run.log.info("%d wines for training, %d for the test, in %s", len(train_x), len(test_x), run.folder())
    run.output({key: facts[key] for key in ("rows", "features", "train", "test", "sha256")})


if __name__ == "__main__":
    main()
