"""Job `report`: write one self-contained HTML page to the shared volume."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from string import Template

import numpy as np
import sklearn

from wine import plots, run, table


def percent(share: float) -> str:
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def facts(evaluation: dict, data: dict) -> str:
    test = evaluation["tests"][evaluation["best"]]
    correct = round(test["accuracy"] * data["test"])
    tiles = [
        ("Accuracy", percent(test["accuracy"]), "on the test wines"),
        ("Correct", f"{correct} / {data['test']}", "test wines"),
        ("Log loss", f"{test['log_loss']:.3f}", f"{np.log(len(data['classes'])):.2f} is random guessing"),
        ("ROC AUC", f"{test['roc_auc']:.3f}", "one versus the rest"),
    ]
    return "".join(
        f"<div><dt>{name}</dt><dd>{value} <small>{note}</small></dd></div>" for name, value, note in tiles
    )


def model_table(models: list[dict], evaluation: dict) -> str:
    head = ["Model", "Settings", "CV log loss", "CV accuracy", "Test log loss", "Test accuracy", "Training"]
    rows = [row(head, cell="th", numbers_from=2)]
    for model in models:
        test = evaluation["tests"][model["model"]]
        scores = {name: (np.mean(values), np.std(values)) for name, values in model["scores"].items()}
        settings = ", ".join(f"{name} {value}" for name, value in model["settings"].items())
        rows.append(
            row(
                [
                    escape(model["title"]),
                    f"<small>{escape(settings)}</small>",
                    "{:.3f} <small>± {:.3f}</small>".format(*scores["log_loss"]),
                    f"{percent(scores['accuracy'][0])} <small>± {100 * scores['accuracy'][1]:.1f}</small>",
                    f"{test['log_loss']:.3f}",
                    percent(test["accuracy"]),
                    f"{model['seconds']:.1f} s",
                ],
                numbers_from=2,
                best=model["model"] == evaluation["best"],
            )
        )
    return "".join(rows)


def wrong_table(wrong: Iterable[int], test: dict, truth: np.ndarray, classes: list[str]) -> str:
    rows = [
        row(
            ["Test wine", "Actual", "Predicted", "Probability", "Probability of the actual cultivar"],
            cell="th",
        )
    ]
    for i in wrong:
        probabilities = test["probabilities"][i]
        predicted = int(np.argmax(probabilities))
        rows.append(
            row(
                [
                    f"no. {i + 1}",
                    classes[truth[i]],
                    classes[predicted],
                    percent(probabilities[predicted]),
                    percent(probabilities[truth[i]]),
                ]
            )
        )
    return "".join(rows) if len(rows) > 1 else ""


def row(cells: list[str], cell: str = "td", numbers_from: int = 99, best: bool = False) -> str:
    inside = "".join(
        f"<{cell}{' class=number' if i >= numbers_from else ''}>{value}</{cell}>"
        for i, value in enumerate(cells)
    )
    return f"<tr{' class=best' if best else ''}>{inside}</tr>"


def figure(title: str, note: str, pictures: tuple[str, str]) -> str:
    light, dark = pictures
    return (
        f"<figure><h2>{escape(title)}</h2><p>{escape(note)}</p><picture>"
        f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{escape(title)}: {escape(note)}" src="{light}"></picture></figure>'
    )


def figures(
    models: list[dict], evaluation: dict, data: dict, train: tuple, test: tuple, wrong: np.ndarray
) -> str:
    winner = models[0]["title"]
    return "".join(
        figure(title, note, plots.draw(plot))
        for title, note, plot in [
            (
                "How reliable is the choice?",
                "Each dot is one fold of the repeated cross-validation, each line is a mean.",
                plots.folds(models),
            ),
            (
                "ROC, upper left corner",
                "Cross-validated predictions, averaged over the cultivars.",
                plots.roc(models, train[1]),
            ),
            (
                "Confusion matrix of the test",
                f"{winner}: correct predictions are on the diagonal.",
                plots.confusion(evaluation["tests"][evaluation["best"]]["confusion"], data["classes"]),
            ),
            (
                "Important features",
                f"{winner}: permutation importance on the test data.",
                plots.importance(evaluation["importance"]),
            ),
            (
                "The wines",
                "Strong marks are test data, faint marks are training data.",
                plots.landscape(train, test, wrong, data["classes"]),
            ),
            (
                "Predicted probabilities",
                f"{winner}: each dot is a test wine, with a ring if the prediction is wrong.",
                plots.certainty(evaluation["tests"][evaluation["best"]]["probabilities"], test[1], data["classes"]),
            ),
        ]
    )


def origin(data: dict, models: list[dict]) -> str:
    now = time.time()
    entries = [
        ("Data set", "UCI wine recognition (Forina et al., 1991), included in scikit-learn"),
        ("Rows", f"{data['rows']} wines: {data['train']} for training, {data['test']} for the test"),
        ("Columns", f"{data['measured']} measured, {data['features'] - data['measured']} derived from them"),
        ("SHA-256 of the data", f"<code>{data['sha256']}</code>"),
        ("Run", f"<code>{escape(run.run_id())}</code>"),
        ("Pipeline", f"<code>{escape(os.environ.get('PIPELINE', 'none (started by hand)'))}</code>"),
        ("Written", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("Duration", f"{now - data['started']:.0f} s from the first job to this page, "
                 f"{sum(model['seconds'] for model in models):.1f} s of training in total, in parallel"),
        ("Software", f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}, "
                     f"numpy {np.__version__}, matplotlib {plots.matplotlib.__version__}"),
    ]  # fmt: skip
    return "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--title", default="Wine cultivars")
    args = parser.parse_args()
    run.start_log()
    began = time.time()

    data = run.read_json("features.json", made_by="features")
    evaluation = run.read_json("evaluation.json", made_by="evaluate")
    models = [run.read_json(f"{name}.json", made_by=f"train-{name}") for name in evaluation["ranked"]]
    _, *train = table.read(run.existing("train.csv", made_by="features"))
    _, *test = table.read(run.existing("test.csv", made_by="features"))
    result = evaluation["tests"][evaluation["best"]]
    wrong = np.array(result["probabilities"]).argmax(axis=1) != test[1]
    best, second = models[0], models[1] if len(models) > 1 else None

    verdict = (
        f"<b>{escape(best['title'])}</b> recognizes the cultivar"
        f" of {percent(result['accuracy'])} of the test wines."
    )
    if second:
        verdict += (
            f" In cross-validation its log loss is {best['log_loss']:.3f}."
            f" The second best, {escape(second['title'].lower())}, has {second['log_loss']:.3f}."
        )
    page = Template((Path(__file__).parent / "page.html").read_text()).substitute(
        title=escape(args.title),
        kicker=escape(os.environ.get("PIPELINE", "wine")),
        verdict=verdict,
        facts=facts(evaluation, data),
        models=model_table(models, evaluation),
        plots=figures(models, evaluation, data, tuple(train), tuple(test), wrong),
        winner=escape(best["title"].lower()),
        wrong_note=f"{wrong.sum()} of {len(wrong)} test wines."
        if wrong.any()
        else "No test wine.",
        wrong=wrong_table(np.flatnonzero(wrong), result, test[1], data["classes"]),
        origin=origin(data, models),
    )
    path = run.folder() / "report.html"
    path.write_text(page, encoding="utf-8")
    latest = run.data_folder() / "report.html"
    shutil.copyfile(path, latest)
    run.log.info(
        "wrote %s (%d kB) in %.1f s, and a copy to %s",
        path,
        len(page) // 1000,
        time.time() - began,
        latest,
    )
    run.output(
        {
            "report": str(path),
            "latest": str(latest),
            "model": best["model"],
            "accuracy": round(result["accuracy"], 4),
        }
    )


if __name__ == "__main__":
    main()
