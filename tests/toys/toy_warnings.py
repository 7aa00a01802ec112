"""Which warnings fail a test that needs a GPU: our own code's, and not those of libraries about themselves.

The libraries' newest releases on the newest Python warn of what they themselves still use. A warning
counts as ours where its `stacklevel` points at our code: a deprecated call of ours still fails.
"""

GPU_WARNINGS = (
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
    "error:::(common|competitions|kernels|benchmarks|kit|tests|toy_\\w+)(\\.|$)",
)
