"""Features of the Linux kernel that the process engine uses directly."""
