"""Render the text of a new file from a template.

The templates write `[= name =]` and `[% if %]`, because the files contain the braces of pipelines and workflows.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import jinja2


def render(folder: Path, template: str, /, **values: Any) -> str:
    """Return the text of a template. Its filters are ``quoted``, a JSON text, and ``shell``, one word of a shell."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        variable_start_string="[=",
        variable_end_string="=]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"quoted": json.dumps, "shell": shlex.quote}
    return environment.get_template(template).render(**values)
