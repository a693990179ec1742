"""Automatic fixes: what `dagf check --fix` changes in files. An edit changes only the bytes of one value."""
