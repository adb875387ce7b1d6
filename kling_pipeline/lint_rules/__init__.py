"""The linter's rules, by what they look at; `lint.py` says in which order they speak."""
