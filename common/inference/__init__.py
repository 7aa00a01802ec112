"""From trained weights to probs: views and prediction."""
