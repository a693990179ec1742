from __future__ import annotations

from local_project import project

__all__ = ["project"]
