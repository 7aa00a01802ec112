"""A run, or several of the same rows, to the report that is opened in a browser."""
