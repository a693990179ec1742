"""Job `evaluate`: choose a model by cross-validation, then evaluate it once on the test set."""

from __future__ import annotations

import argparse
import json

import joblib
import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

from wine import run, table
from wine.models import SEED


def candidate(text: str) -> dict:
    """Parse the output of a training job, as Airflow passes it."""
    try:
        value = json.loads(text)
        return {"model": str(value["model"]), "log_loss": float(value["log_loss"])}
    except (ValueError, KeyError, TypeError) as problem:
        raise argparse.ArgumentTypeError(f"not the output of a training job ({problem!r}): {text!r}") from None


def measure(model, x: np.ndarray, y: np.ndarray) -> dict:
    probabilities = model.predict_proba(x)
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(y, predicted, zero_division=0)
    return {
        "accuracy": float((predicted == y).mean()),
        "log_loss": float(log_loss(y, probabilities)),
        "roc_auc": float(roc_auc_score(y, probabilities, multi_class="ovr")),
        "confusion": confusion_matrix(y, predicted).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "probabilities": probabilities.tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidate", type=candidate, action="append", required=True, metavar="JSON")
    candidates = parser.parse_args().candidate
    run.start_log()

    ranked = sorted(candidates, key=lambda one: one["log_loss"])
    for place, one in enumerate(ranked, start=1):
        run.log.info("%d. %-9s log loss %.4f in cross-validation", place, one["model"], one["log_loss"])
    best = ranked[0]["model"]

    names, x, y = table.read(run.existing("test.csv", made_by="features"))
    models = {
        one["model"]: joblib.load(run.existing(f"{one['model']}.joblib", made_by=f"train-{one['model']}"))
        for one in ranked
    }
    tests = {name: measure(model, x, y) for name, model in models.items()}
    importance = permutation_importance(
        models[best], x, y, scoring="neg_log_loss", n_repeats=10, random_state=SEED, n_jobs=1
    )
    run.write_json(
        "evaluation.json",
        {
            "best": best,
            "ranked": [one["model"] for one in ranked],
            "tests": tests,
            "importance": {
                name: {"mean": float(mean), "std": float(std)}
                for name, mean, std in zip(names, importance.importances_mean, importance.importances_std)
            },
        },
    )
    joblib.dump(models[best], run.folder() / "best.joblib")
    test = tests[best]
    run.log.info("%s is best: accuracy %.1f %% on %d unseen wines", best, 100 * test["accuracy"], len(y))
    run.output(
        {
            "model": best,
            "accuracy": round(test["accuracy"], 4),
            "log_loss": round(test["log_loss"], 4),
            "correct": round(test["accuracy"] * len(y)),
            "tested": len(y),
        }
    )


if __name__ == "__main__":
    main()
