"""The steps that verbs share: request, files, prepared run, training, evaluation, prediction."""
