"""Whose jobs, files and credits a request is about."""

OWNER = "local"  # until sign-in exists
