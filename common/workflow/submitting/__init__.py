"""Where a run meets a Kaggle: sent once, hosted here, rehearsed on a hidden part."""
