"""A recipe made into one script, and the files it lacks offline."""
