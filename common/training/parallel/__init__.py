"""Training on more than one GPU or machine: jobs as Ray's tasks, and one model over several GPUs."""
