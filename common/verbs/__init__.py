"""The verbs, one file each: docstring (help), `SHARED`, `Options`, `run`; add a verb here and in kit.py."""
