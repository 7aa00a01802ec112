"""From decoded pixels to batches: in what order, augmented how."""
