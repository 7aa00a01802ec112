"""Archives opened safely: zip, 7z, nested ones; images kept together in one packed file."""
