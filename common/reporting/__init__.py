"""What a run leaves for people to look at: pictures, the ledger, the report."""
