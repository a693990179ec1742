"""The icons of the pages in Airflow's tabs and menu: data URIs, so that Airflow requests no file for them."""

from __future__ import annotations

from urllib.parse import quote

LIGHT, DARK = "#52525b", "#d4d4d8"
"""The colours of the lines, on the light and on the dark background of Airflow."""
QUESTION = (
    '<circle cx="12" cy="12" r="10"/><path d="M9.1 9a3 3 0 0 1 5.8 1c0 2-2.9 2.6-2.9 4"/><path d="M12 17.5v.01"/>'
)
LIST = '<path d="M8 6h13M8 12h13M8 18h13M3.5 6v.01M3.5 12v.01M3.5 18v.01"/>'


def icons(shape: str) -> dict[str, str]:
    """Return the keys of an external view that give it an icon, in both colour modes."""
    return {"icon": _icon(shape, LIGHT), "icon_dark_mode": _icon(shape, DARK)}


def _icon(shape: str, colour: str) -> str:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none"'
        f' stroke="{colour}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{shape}</svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
