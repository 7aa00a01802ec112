"""What a person asked for, typed: the competition, the recipe, the places."""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from common.competition import Competition
from common.errors import KitError
from common.kaggle.session import RunKernel
from common.recipe import Recipe, stage_of, with_values

FIELD = re.compile(r"[A-Za-z_]\w*=")  # how a recipe's `field=value` begins
# What of a request the verbs take beside its places: as their SHARED says.
TAKE_FIELDS = (
    "validate",
    "predict",
    "run",
    "submit",
    "export",
    "rehearse",
    "tune",
    "kernel",
    "kernel-inputs",
)
TAKE_RECIPE = (*TAKE_FIELDS, "check", "compare")
TAKE_RUN = ("predict", "submit", "export", "kernel")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call of a verb.

    Attributes:
        words: the `field=value` words as typed.
        data: the folder of the competition's files or archives; None when not named.
        run: the run folder that was named, if any.
        file: the submission file that was named, if any.
        fresh: begin the run anew.
        accept_code: go on with a run that other code has begun.
    """

    competition: Competition
    recipe_name: str
    named_recipe: bool = False
    words: tuple[str, ...] = ()
    data: Path | None = None
    runs: Path = Path("runs")
    run: Path | None = None
    file: Path | None = None
    fresh: bool = False
    accept_code: bool = False

    @property
    def recipe(self) -> Recipe:
        """The named recipe with the words applied."""
        return with_values(self.base_recipe, self.words)

    @property
    def base_recipe(self) -> Recipe:
        """The named recipe.

        Raises:
            KitError: the competition has none of that name.
        """
        recipes = self.competition.recipes
        if self.recipe_name not in recipes:
            raise KitError(
                f"{self.competition.name} has no recipe {self.recipe_name!r}: there are "
                f"{', '.join(recipes)}"
            )
        return recipes[self.recipe_name]

    @property
    def slug(self) -> str:
        """The competition's name on Kaggle.

        Raises:
            KitError: it is not there.
        """
        competition = self.competition
        if not competition.on_kaggle:
            raise KitError(
                f"{competition.title} is on no site, so there is nothing to download or to submit to: "
                f"`{self.command('rehearse')}{'' if self.data else ' --data DIR'}` competes on this "
                "machine instead"
            )
        return competition.slug

    @property
    def on_site(self) -> bool:
        """Is it Kaggle that serves it? Embedded data are at hand, and scored by the kit's own.

        Whoever points the client at a server of their own means that server for every competition.
        """
        elsewhere = os.environ.get("KAGGLE_API_ENVIRONMENT") == "LOCALHOST"
        return self.competition.embedded is None or elsewhere

    @property
    def data_folder(self) -> Path:
        """Where the competition's files are, or will be.

        Raises:
            KitError: it was not named, and nothing can be fetched.
        """
        if self.data is None and not self.competition.on_kaggle:
            raise KitError(
                f"no data were named, and `kit {self.competition.name}` has none of its own: say where "
                "your images are (--data DIR)"
            )
        return self.data or Path("data") / self.competition.slug

    @property
    def cache(self) -> Path:
        """Where unpacked archives and decoded stores are kept: KIT_CACHE, or beside the runs."""
        return Path(os.environ.get("KIT_CACHE") or self.runs / "cache")

    def check_judged(self) -> None:
        """Raise a KitError when the recipe judges nothing and something is to be judged."""
        if not self.recipe.folds:
            raise KitError(
                "folds=0 trains on all rows and holds none out, so there is no score: say folds=1 or more"
            )

    def command(self, verb: str, *more: str) -> str:
        """What to type, in the same folder, for a verb on the same recipe, fields, run and places.

        Args:
            more: further words; a `field=value` among them replaces one of the request's, and a
                named run (--run, --kernel) all of them, because it has its own.
        """
        words, named = [verb], {"--run", "--kernel"} & {*more}
        if not named and verb in TAKE_RECIPE and self.named_recipe:
            words += ["--recipe", self.recipe_name]
        if not named and verb in TAKE_FIELDS:
            replaced = {word.partition("=")[0] for word in more if FIELD.match(word)}
            words += [word for word in self.words if word.partition("=")[0] not in replaced]
        words += more
        if not named and verb in TAKE_RUN and self.run is not None:
            words += ["--run", str(self.run)]
        places = places_of(self.data, self.runs)
        return shlex.join(["kit", self.competition.name, *words, *places])

    def words_of(self, *stages: str) -> list[str]:
        """The typed words whose fields are of these stages."""
        return [word for word in self.words if stage_of(word.partition("=")[0]) in stages]


def words_between(base: Recipe, recipe: Recipe) -> tuple[str, ...]:
    """The `field=value` words that make `recipe` of `base`."""
    now, before = asdict(recipe), asdict(base)
    return tuple(f"{name}={value}" for name, value in now.items() if value != before[name])


def places_of(data: Path | None, runs: Path) -> list[str]:
    """The flags that name the data and the runs, where they are not the usual ones."""
    named = [] if data is None else ["--data", str(data)]
    return named + ([] if runs == Path("runs") else ["--runs", str(runs)])


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The competitions that are installed: for verbs that are about none of them, or about several.

    Attributes:
        load: the competition of a name, or a KitError that names the nearest.
        folder: where their folders lie.
        taken: words that no further competition may be called.
        run_kernel: runs a kernel that is pushed to a host on this machine.
    """

    competitions: tuple[Competition, ...]
    load: Callable[[str], Competition]
    folder: Path
    taken: frozenset[str]
    run_kernel: RunKernel
