"""The hidden first line of a plan's comment, by which CI finds the comment of a project.

Each project of a repository has its own, so that two projects never replace each other's comment.
"""

from __future__ import annotations

import hashlib
import re

_LONGEST = 200


def comment_marker(folder: str) -> str:
    """Return the marker of the project in a folder of the repository; empty or with a slash at its end is fine.

    Letters, digits, ``.``, ``_`` and ``/`` stay as they are. All other bytes are ``%`` and two digits, as in a URL:
    two hyphens could end the HTML comment. A very long path becomes its digest.
    """
    path = folder.strip("/").encode("utf-8", "surrogateescape")
    name = re.sub(rb"[^A-Za-z0-9._/]", lambda byte: b"%%%02X" % byte[0][0], path).decode("ascii") or "."
    if len(name) > _LONGEST:
        name = f"sha256/{hashlib.sha256(path).hexdigest()}"
    return f"<!-- dagf plan: {name} -->"
