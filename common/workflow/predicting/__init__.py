"""Predict a test set that nobody has seen: no training data, any number of rows, within a time limit."""
