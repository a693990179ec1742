"""Programs that measure. Each runs in a process of its own, in its contestant's environment.

They import nothing else of ``benchmarks``: the contestants' environments do not have it.
"""
