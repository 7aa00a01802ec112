"""What the verbs share: a request, its files, a run prepared, trained, judged, predicted, written."""
