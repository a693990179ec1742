"""Edits of YAML files as the smallest changes of their text: comments, order and quotes elsewhere stay as they are."""
