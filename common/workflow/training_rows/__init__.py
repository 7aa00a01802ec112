"""The rows that a job trains on besides, or less than, those its fold leaves it."""
