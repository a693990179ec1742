"""One module for each group of figures. Each has ``measure(quick)``, which gives its figures."""
