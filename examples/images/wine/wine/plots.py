"""The plots of the report. Each is drawn twice: for light and for dark pages."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from sklearn.metrics import roc_curve


class Theme(NamedTuple):
    paper: str
    ink: str
    faint: str
    line: str
    colours: tuple[str, str, str]  # of the models, the best model first
    cultivars: tuple[str, str, str]


LIGHT = Theme(
    "#ffffff",
    "#262329",
    "#6f6a75",
    "#e6e2e8",
    ("#9b2d54", "#2f77b4", "#c58a12"),
    ("#6a51b5", "#1c8a6e", "#d4692a"),
)
DARK = Theme(
    "#1d1a20",
    "#ece8ee",
    "#a29ba8",
    "#38333d",
    ("#e2769b", "#6cb0ea", "#e8b64c"),
    ("#ab97f0", "#4cc4a3", "#f29a62"),
)


def draw(plot: Callable[[Axes, Theme], None], width: float = 5.2, height: float = 3.5) -> tuple[str, str]:
    """The plot as data URLs of two PNG images: light and dark."""
    return _png(plot, LIGHT, width, height), _png(plot, DARK, width, height)


def _png(plot: Callable[[Axes, Theme], None], theme: Theme, width: float, height: float) -> str:
    style = {
        "figure.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.faint,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": theme.line,
        "xtick.color": theme.faint,
        "ytick.color": theme.faint,
        "text.color": theme.ink,
        "legend.frameon": False,
        "font.size": 9,
    }
    with plt.rc_context(style):
        figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        plot(axes, theme)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=170, metadata={"Software": None})
        plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def folds(models: list[dict]) -> Callable[[Axes, Theme], None]:
    """The log loss of each fold, with a row and a mean for each model."""

    def plot(axes: Axes, theme: Theme) -> None:
        shift = np.random.default_rng(1)
        for row, (model, colour) in enumerate(zip(models, theme.colours)):
            losses = np.array(model["scores"]["log_loss"])
            axes.scatter(
                losses,
                row + shift.uniform(-0.16, 0.16, len(losses)),
                s=26,
                color=colour,
                alpha=0.55,
                linewidth=0,
            )
            axes.vlines(losses.mean(), row - 0.3, row + 0.3, color=colour, linewidth=2.5)
            axes.annotate(
                f"{losses.mean():.3f}", (losses.mean(), row - 0.34), ha="center", va="bottom", color=theme.ink
            )
        axes.set_yticks(range(len(models)), [model["title"] for model in models], color=theme.ink)
        axes.set_ylim(len(models) - 0.45, -0.65)
        axes.set_xlim(left=0)
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("log loss of each fold (lower is better)")

    return plot


def roc(models: list[dict], labels: np.ndarray) -> Callable[[Axes, Theme], None]:
    """One-vs-rest curves, averaged over the cultivars, for wines that a model was not trained on."""

    def plot(axes: Axes, theme: Theme) -> None:
        grid = np.linspace(0, 1, 1001)
        for model, colour, dash in zip(models, theme.colours, ("-", "--", ":")):
            probabilities = np.array(model["probabilities"])
            curves = []
            for cultivar in range(probabilities.shape[1]):
                wrong, right, _ = roc_curve(labels == cultivar, probabilities[:, cultivar])
                curves.append(np.interp(grid, wrong, right))
            mean = np.mean(curves, axis=0)
            mean[0] = 0
            area = np.sum((mean[1:] + mean[:-1]) / 2 * np.diff(grid))
            label = f"{model['title']} ({area:.4f})"
            axes.plot(grid, mean, dash, color=colour, linewidth=2, label=label)
        axes.set_xlim(-0.004, 0.2)
        axes.set_ylim(0.8, 1.006)
        axes.grid()
        axes.set_xlabel("false positive rate")
        axes.set_ylabel("true positive rate")
        axes.legend(loc="lower right", title="area under the curve", labelcolor=theme.ink)

    return plot


def confusion(matrix: list[list[int]], classes: list[str]) -> Callable[[Axes, Theme], None]:
    def plot(axes: Axes, theme: Theme) -> None:
        counts = np.array(matrix)
        shade = LinearSegmentedColormap.from_list("shade", [theme.paper, theme.colours[0]])
        axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap=shade, vmin=0, vmax=1.15, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            strong = row == column
            axes.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                fontsize=15 if count else 11,
                fontweight="bold" if count else "normal",
                color=theme.paper if strong else theme.ink if count else theme.faint,
            )
        ticks = range(len(classes))
        axes.set_xticks(ticks, classes, color=theme.ink)
        axes.set_yticks(ticks, classes, color=theme.ink, rotation=90, va="center")
        axes.set_xticks(np.arange(len(classes) - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(len(classes) - 1) + 0.5, minor=True)
        axes.grid(which="minor", linewidth=2)
        axes.tick_params(which="minor", length=0)
        axes.set_xlabel("predicted")
        axes.set_ylabel("actual")

    return plot


def importance(features: dict[str, dict[str, float]], most: int = 8) -> Callable[[Axes, Theme], None]:
    def plot(axes: Axes, theme: Theme) -> None:
        top = sorted(features.items(), key=lambda item: -item[1]["mean"])[:most]
        names = [name.replace("_", " ") for name, _ in top]
        axes.barh(
            names,
            [value["mean"] for _, value in top],
            xerr=[value["std"] for _, value in top],
            color=theme.colours[0],
            error_kw={"ecolor": theme.faint, "elinewidth": 1},
            height=0.62,
        )
        axes.invert_yaxis()
        axes.set_yticks(range(len(names)), names, color=theme.ink)
        axes.set_xlim(left=0)
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("increase of the log loss if the column is shuffled")

    return plot


def landscape(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    wrong: np.ndarray,
    classes: list[str],
) -> Callable[[Axes, Theme], None]:
    """All wines on the first two principal components. The errors of the best model have a ring."""
    mean, spread = train[0].mean(axis=0), train[0].std(axis=0)
    scaled = (train[0] - mean) / spread
    _, strength, directions = np.linalg.svd(scaled, full_matrices=False)
    share = strength[:2] ** 2 / (strength**2).sum()
    seen = scaled @ directions[:2].T
    unseen = (test[0] - mean) / spread @ directions[:2].T

    def plot(axes: Axes, theme: Theme) -> None:
        for cultivar, (name, colour, marker) in enumerate(zip(classes, theme.cultivars, "os^")):
            axes.scatter(
                *seen[train[1] == cultivar].T, s=20, color=colour, marker=marker, alpha=0.3, linewidth=0
            )
            axes.scatter(
                *unseen[test[1] == cultivar].T, s=30, color=colour, marker=marker, linewidth=0, label=name
            )
        if wrong.any():
            axes.scatter(
                *unseen[wrong].T,
                s=150,
                facecolor="none",
                edgecolor=theme.ink,
                linewidth=1.4,
                label="wrong",
            )
        axes.grid()
        axes.set_xlabel(f"first principal component ({share[0]:.0%} of the variance)")
        axes.set_ylabel(f"second ({share[1]:.0%})")
        axes.legend(
            loc="upper center", ncols=4, bbox_to_anchor=(0.5, 1.13), labelcolor=theme.ink, handletextpad=0.2
        )

    return plot


def certainty(
    predictions: list[list[float]], labels: np.ndarray, classes: list[str]
) -> Callable[[Axes, Theme], None]:
    """The probability that the best model gave to the actual cultivar of each test wine."""

    def plot(axes: Axes, theme: Theme) -> None:
        shift = np.random.default_rng(2)
        probabilities = np.array(predictions)
        wrong = probabilities.argmax(axis=1) != labels
        for cultivar, colour in enumerate(theme.cultivars):
            mine = labels == cultivar
            given = probabilities[mine, cultivar]
            height = cultivar + shift.uniform(-0.25, 0.25, len(given))
            axes.scatter(given, height, s=30, color=colour, alpha=0.7, linewidth=0)
            axes.scatter(
                given[wrong[mine]],
                height[wrong[mine]],
                s=150,
                facecolor="none",
                edgecolor=theme.ink,
                linewidth=1.4,
            )
        axes.set_yticks(range(len(classes)), classes, color=theme.ink)
        axes.set_ylim(len(classes) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.03)
        axes.set_xticks(np.linspace(0, 1, 5), [f"{share:.0%}" for share in np.linspace(0, 1, 5)])
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("predicted probability of the actual cultivar")

    return plot
