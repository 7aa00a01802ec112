"""Images that are the same or show the same shot: searched, verified, grouped."""
