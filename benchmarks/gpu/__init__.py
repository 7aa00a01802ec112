"""Benchmarks of a machine with a GPU, each beside its peers in the same run: `make bench-gpu`."""
