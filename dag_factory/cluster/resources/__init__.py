"""The kinds of objects: their defaults, validation, selectors, patches and operations."""
