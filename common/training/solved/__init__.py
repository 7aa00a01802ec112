"""Linear heads solved on cached features: the solvers, and which features and solver the folds choose."""
