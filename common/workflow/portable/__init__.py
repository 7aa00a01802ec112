"""Models trained alone on any machine, as files, and gathered into a run."""
