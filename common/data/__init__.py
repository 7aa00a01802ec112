"""Archives to tables, tables to stores of decoded pixels, stores to batches."""
