"""Archives opened safely: zip, 7z, tar, split and nested ones; images kept in packs."""
