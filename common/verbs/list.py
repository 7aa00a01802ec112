"""List the competitions, with slug, metric and recipes.

Example: kit list
"""

from typing import Any

from common.progress import say
from common.workflow.request import Catalogue


def run(catalogue: Catalogue) -> dict[str, Any]:
    """Print and return a row for each competition of the catalogue."""
    for c in catalogue.competitions:
        metric = c.metric.replace("_", " ")
        say(f"{c.name:<12} {c.slug:<28} {metric:<10} recipes: {', '.join(c.recipes)}")
    rows = [
        {"name": c.name, "slug": c.slug, "metric": c.metric, "recipes": list(c.recipes)}
        for c in catalogue.competitions
    ]
    return {"competitions": rows}
