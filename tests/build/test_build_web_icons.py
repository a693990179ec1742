"""The icons of the pages in Airflow: with the graph open, a tab shows only its icon."""

from __future__ import annotations

from urllib.parse import unquote
from xml.etree import ElementTree

from dag_factory.build.web.views import EXTERNAL_VIEWS


def test_each_page_has_an_icon_for_both_colour_modes() -> None:
    for view in EXTERNAL_VIEWS:
        images = [view["icon"], view["icon_dark_mode"]]
        for image in images:
            kind, _, text = image.partition(",")
            assert kind == "data:image/svg+xml"
            assert ElementTree.fromstring(unquote(text)).tag == "{http://www.w3.org/2000/svg}svg"
        assert images[0] != images[1]


def test_the_list_of_pipelines_has_another_icon_than_the_tabs() -> None:
    shown = {(view["name"], view["icon"]) for view in EXTERNAL_VIEWS}
    assert len(shown) == len({icon for _, icon in shown}) == 2
