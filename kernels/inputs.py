"""Stub."""
from pathlib import Path
def find_attached(root): "x"; return None
def check_versions(): "x"
def install_wheels(a,b): "x"
def words_of(a,b): "x"; return []
def find_competition(root, slug, sample):
    "x"
    for each in (root/"competitions"/slug, root/slug):
        if each.is_dir(): return each
    raise ValueError("no data")
