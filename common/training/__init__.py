"""From a recipe and rows to trained weights: phases, schedules, the one loop, exact resume."""
