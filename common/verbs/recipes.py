"""List the competition's recipes: fields that differ from the defaults, and the lab notes.

Example: kit cifar10 recipes
"""

from dataclasses import asdict
from typing import Any

from common.progress import say
from common.recipe_values import differences
from common.typed_fields import STAGES
from common.workflow.request import Request


def run(request: Request) -> dict[str, Any]:
    """The competition's recipes and lab notes, printed; the first recipe is the default."""
    competition = request.competition
    recipes = {name: differences(r, STAGES) for name, r in competition.recipes.items()}
    for number, (name, fields) in enumerate(recipes.items()):
        say(f"{name}{'  (the default)' if number == 0 else ''}")
        say("  " + " ".join(f"{key}={value}" for key, value in fields.items()))
        for line in competition.notes[name].lines() if name in competition.notes else ():
            say(f"  {line}")
    say(f"\nrecipes and notes are written in competitions/{competition.name}/recipes.py")
    notes = {name: asdict(note) for name, note in competition.notes.items()}
    return {"recipes": recipes, "notes": notes}
