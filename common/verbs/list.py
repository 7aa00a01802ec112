"""List the competitions, with slug, metric and recipes.

Example: kit list
"""

from typing import Any

from common.progress import say


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Do it for the competitions that the caller found."""
    rows = [
        {"name": c.name, "slug": c.slug, "metric": c.metric, "recipes": list(c.recipes)}
        for c in options["competitions"]
    ]
    for row in rows:
        metric = row["metric"].replace("_", " ")
        say(
            f"{row['name']:<12} {row['slug']:<28} {metric:<10} recipes: {', '.join(row['recipes'])}"
        )
    return {"competitions": rows}
