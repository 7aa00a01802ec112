"""Facts to a competition's folder: its source, and the trial that the source passes first."""
