from __future__ import annotations

from real_stack import running

__all__ = ["running"]
