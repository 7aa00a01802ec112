"""Stub."""
def needs(recipe): "x"; return []
