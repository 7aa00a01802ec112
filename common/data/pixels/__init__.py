"""The store: every image of a table decoded once, kept memory-mapped."""
