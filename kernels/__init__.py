"""Kaggle kernels: a recipe as one script, proven here, pushed, followed, and its run brought back."""
