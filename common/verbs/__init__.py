"""The verbs of the command line, one file each: name, help, example, options, function."""
