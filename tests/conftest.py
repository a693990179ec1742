"""For all tests: what the caller's machine keeps or says must not show."""

from __future__ import annotations

import os

# Nothing is kept between compilations, unless a test is about that.
os.environ["DAG_FACTORY_CACHE"] = "off"
