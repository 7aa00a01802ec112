"""A machine like Kaggle's, sealed off, for dry runs."""
