"""Jobs `train-…`: search the best settings of one model, then measure it by repeated cross-validation."""

from __future__ import annotations

import argparse
import time

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, StratifiedKFold

from wine import run, table
from wine.models import CANDIDATES, SEED

REPEATS = 3


def cross_validate(estimator, x: np.ndarray, y: np.ndarray, folds: int) -> tuple[dict, np.ndarray]:
    """The scores of each fold, and for each wine the mean prediction of the models not trained on it."""
    scores: dict[str, list[float]] = {"log_loss": [], "accuracy": [], "f1": []}
    predictions = np.zeros((len(y), len(np.unique(y))))
    for seen, unseen in RepeatedStratifiedKFold(n_splits=folds, n_repeats=REPEATS, random_state=SEED).split(
        x, y
    ):
        probabilities = clone(estimator).fit(x[seen], y[seen]).predict_proba(x[unseen])
        predictions[unseen] += probabilities / REPEATS
        scores["log_loss"].append(log_loss(y[unseen], probabilities))
        scores["accuracy"].append(accuracy_score(y[unseen], probabilities.argmax(axis=1)))
        scores["f1"].append(f1_score(y[unseen], probabilities.argmax(axis=1), average="macro"))
    return scores, predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=CANDIDATES)
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()
    if args.folds < 2:
        parser.error(f"--folds must be at least 2, not {args.folds}")
    run.start_log()
    begin = time.perf_counter()

    candidate = CANDIDATES[args.model]
    _, x, y = table.read(run.existing("train.csv", made_by="features"))
    if np.bincount(y).min() < args.folds:
        raise SystemExit(
            f"{args.folds} folds need {args.folds} wines of each cultivar, but one has {np.bincount(y).min()}"
        )

    run.log.info("%s: searching settings with %d folds of %d wines", candidate.title, args.folds, len(y))
    search = GridSearchCV(
        candidate.estimator,
        candidate.grid,
        scoring="neg_log_loss",
        cv=StratifiedKFold(args.folds, shuffle=True, random_state=SEED + 1),
        n_jobs=1,
    ).fit(x, y)
    for settings, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
        run.log.info("  log loss %.4f with %s", -score, settings)

    scores, predictions = cross_validate(search.best_estimator_, x, y, args.folds)
    joblib.dump(search.best_estimator_, run.folder() / f"{args.model}.joblib")
    result = {
        "model": args.model,
        "title": candidate.title,
        "settings": {name.rpartition("__")[2]: value for name, value in search.best_params_.items()},
        "log_loss": round(float(np.mean(scores["log_loss"])), 5),
        "accuracy": round(float(np.mean(scores["accuracy"])), 5),
        "seconds": round(time.perf_counter() - begin, 2),
    }
    run.write_json(f"{args.model}.json", {**result, "scores": scores, "probabilities": predictions.tolist()})
    run.log.info(
        "measured with %d fitted models: accuracy %.1f %% ± %.1f",
        len(scores["accuracy"]),
        100 * np.mean(scores["accuracy"]),
        100 * np.std(scores["accuracy"]),
    )
    run.output(result)


if __name__ == "__main__":
    main()
