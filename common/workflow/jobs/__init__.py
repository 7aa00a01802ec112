"""Models trained beside one another: on Ray, or alone on any machine and gathered as files."""
