"""Training: a recipe and row indices in; weights, a log per epoch and exact resume out."""
