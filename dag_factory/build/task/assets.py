"""Turn an asset of the model into Airflow's."""

from __future__ import annotations

from airflow.sdk import Asset

from dag_factory.config import model


def asset(source: model.Asset) -> Asset:
    """Return the asset with the name and the URI that it has in every pipeline."""
    return Asset(name=source.name, uri=source.uri or source.name)
