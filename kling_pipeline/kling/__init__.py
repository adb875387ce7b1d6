"""Kling's API as seen from outside: bodies, answers, signatures, downloads."""
