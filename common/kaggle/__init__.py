"""Kaggle, enough to go round: the official client, and a loopback host that stands in for it."""
