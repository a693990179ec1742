"""A whole project: its files, its cache, its last good versions, and the passes over them."""
