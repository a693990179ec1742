from __future__ import annotations

from browser import page
from real_stack import running

__all__ = ["page", "running"]
