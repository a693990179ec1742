"""Guards: the limits of the platform, checked on the final pod.

The same rules are checked three times: when a file is compiled, when a last good version is used, and in the worker
on the rendered pod, just before it is created.
"""
