"""Plots of a run: learning curves, confusion matrix, augmented batches, worst mistakes."""
