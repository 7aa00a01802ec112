"""The official Kaggle package in a process of its own: one JSON request, one JSON answer."""
