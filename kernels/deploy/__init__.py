"""A script proven on this machine, pushed once, and its run brought back."""
