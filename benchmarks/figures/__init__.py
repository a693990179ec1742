"""One module per group of figures. Each has ``measure(quick)``, which yields its figures."""
