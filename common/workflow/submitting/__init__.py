"""Submissions: sent once, sent to a local Kaggle, rehearsed on a hidden part of the labels."""
