"""Files against files: a submission's rows joined to a solution's, read as a metric takes them."""
