"""Airflow's assets from the model's."""

from __future__ import annotations

from airflow.sdk import Asset

from dag_factory.config import model


def asset(what: model.Asset) -> Asset:
    """An asset, under the name and the URI that it has in every pipeline."""
    return Asset(name=what.name, uri=what.uri or what.name)
