"""The owner of the jobs, files and credits that a request concerns."""

OWNER = "local"  # until sign-in exists
