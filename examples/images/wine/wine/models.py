"""The candidates: each has an estimator and a grid of settings to search."""

from __future__ import annotations

from typing import Any, NamedTuple

from sklearn.base import ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 7


class Candidate(NamedTuple):
    title: str
    estimator: ClassifierMixin
    grid: dict[str, list[Any]]


CANDIDATES = {
    "linear": Candidate(
        "Logistic regression",
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        {"logisticregression__C": [0.1, 0.3, 1.0, 3.0, 10.0]},
    ),
    "forest": Candidate(
        "Random forest",
        RandomForestClassifier(n_estimators=100, random_state=SEED, n_jobs=1),
        {"max_features": [2, 4], "min_samples_leaf": [1, 3]},
    ),
    "boosting": Candidate(
        "Gradient boosting",
        GradientBoostingClassifier(n_estimators=60, subsample=0.7, max_features=4, random_state=SEED),
        {"learning_rate": [0.05, 0.15], "max_depth": [1, 2]},
    ),
}
