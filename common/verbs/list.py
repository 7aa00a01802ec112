"""List the competitions, with slug, metric and recipes.

Example: kit list
"""

from typing import Any

from common.progress import say
from common.workflow.request import Catalogue


def run(catalogue: Catalogue) -> dict[str, Any]:
    """Print and return a row for each competition of the catalogue."""
    known = catalogue.competitions
    name, slug = max(len(c.name) for c in known), max(len(c.slug) for c in known)
    for c in known:
        metric = c.metric.replace("_", " ")
        say(f"{c.name:<{name}}  {c.slug:<{slug}}  {metric:<10} recipes: {', '.join(c.recipes)}")
    rows = [
        {"name": c.name, "slug": c.slug, "metric": c.metric, "recipes": list(c.recipes)}
        for c in known
    ]
    return {"competitions": rows}
