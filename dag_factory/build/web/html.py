"""Write the pages as HTML. Every value is escaped; text in backticks becomes code."""

from __future__ import annotations

import re
import secrets
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from dag_factory.config.units import duration_text

_CODE = re.compile(r"`([^`\n]+)`")


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page. It loads nothing from elsewhere, and only Airflow itself may show it in a frame."""
    nonce = secrets.token_urlsafe(16)
    text = _environment().get_template(template).render(nonce=nonce, base=airflow_path(), **values)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self';"
        " frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(text, status, headers)


def airflow_path() -> str:
    """Return the path of Airflow's base URL, without a slash at the end."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


@cache
def _environment() -> Environment:
    folder = Path(__file__).parent / "templates"
    found = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["with_code"] = _with_code
    found.filters["seconds"] = lambda seconds: "" if seconds is None else duration_text(round(seconds))
    return found


def _with_code(text: str) -> Markup:
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))
