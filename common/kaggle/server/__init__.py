"""A Kaggle on this machine: the protocol of the official client, on 127.0.0.1 alone."""
