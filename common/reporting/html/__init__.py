"""Self-contained HTML pages: a run's report, several runs side by side, the ledger."""
