"""Causes: the line whose edit changed a value, through all layers."""
