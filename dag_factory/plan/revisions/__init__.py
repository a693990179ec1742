"""The two revisions of a plan: which they are, and their files, read from git without running anything of theirs."""
