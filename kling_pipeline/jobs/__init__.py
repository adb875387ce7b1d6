"""The life of a job, one module a step, and what they share."""
