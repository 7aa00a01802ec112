"""List the competition's recipes, each with the fields that differ from the defaults.

Example: kit cifar10 recipes
"""

from typing import Any

from common.progress import say
from common.recipe import differences
from common.recipe_fields import STAGES
from common.workflow.request import Request


def run(request: Request) -> dict[str, Any]:
    """Print the recipes; the first is the default, `--recipe NAME` chooses another."""
    recipes = {name: differences(r, STAGES) for name, r in request.competition.recipes.items()}
    for number, (name, fields) in enumerate(recipes.items()):
        say(f"{name}{'  (the default)' if number == 0 else ''}")
        say("  " + " ".join(f"{key}={value}" for key, value in fields.items()))
    say(f"\nnotes: competitions/{request.competition.name}/recipes.py")
    return {"recipes": recipes}
