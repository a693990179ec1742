"""Files and YAML: where files are, how text becomes a tree with positions, and back."""
