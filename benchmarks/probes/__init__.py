"""Programs that measure, each in a process of its own and in its contestant's environment.

They import nothing of this folder: the contestants' environments know nothing of it.
"""
