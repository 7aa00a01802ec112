"""The verbs: each reads a run folder and leaves it fuller. A verb's docstring is its help."""
