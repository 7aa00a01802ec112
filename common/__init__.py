"""The core: functions over a table of rows, an array of probabilities, and a run folder."""
