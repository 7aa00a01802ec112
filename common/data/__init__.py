"""Data: archives to tables, tables to stores of decoded pixels, stores to batches; folds."""
