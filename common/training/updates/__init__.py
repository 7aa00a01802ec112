"""What an update of the weights is made of: loss, optimiser, learning rates."""
