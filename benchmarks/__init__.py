"""What the claims of speed rest on: each file is one claim, measured against a peer in the same run.

`make bench` runs all of them and writes RESULTS.md; `python -m benchmarks.small_batches` runs one.
"""
