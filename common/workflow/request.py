"""`Request`, one call of a verb, typed: competition, recipe, fields, folders."""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from common.competition import Competition
from common.errors import KitError
from common.kaggle.session import RunKernel
from common.recipe import Recipe
from common.recipe_values import stage_of, with_values

FIELD = re.compile(r"[A-Za-z_]\w*=")  # how a recipe's `field=value` begins
# What of a request the verbs take beside its places: as their SHARED says.
TAKE_FIELDS = (
    "validate",
    "predict",
    "run",
    "submit",
    "export",
    "job",
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
        words: the `field=value` words, as typed.
        data: the folder of the competition's files or archives; None if not given.
        run: the run folder given by --run.
        file: the submission file given.
        fresh: delete the run and start over.
        accept_code: resume a run that was started with other code.
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
        """Does Kaggle serve the competition? An embedded data set is scored by the local Kaggle.

        A client that is pointed at another server uses it for every competition.
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

    def check_has_validation(self) -> None:
        """Raise a KitError if the recipe has no validation split (folds=0), where a score is needed."""
        if not self.recipe.folds:
            raise KitError(
                "folds=0 trains on all rows and holds none out, so there is no score: say folds=1 or more"
            )

    def command(self, verb: str, *more: str) -> str:
        """A verb to the command line that calls it on this request's recipe, fields, run and folders.

        Args:
            more: further words; a `field=value` replaces the request's own, and --run or --kernel
                replaces recipe and fields, which the run has itself.
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
        places = path_words(self.data, self.runs)
        return shlex.join(["kit", self.competition.name, *words, *places])

    def words_of(self, *stages: str) -> list[str]:
        """Stages to the request's words whose fields are of these stages."""
        return [word for word in self.words if stage_of(word.partition("=")[0]) in stages]


def field_words(base: Recipe, recipe: Recipe) -> tuple[str, ...]:
    """Two recipes to the `field=value` words that turn `base` into `recipe`."""
    now, before = asdict(recipe), asdict(base)
    return tuple(f"{name}={value}" for name, value in now.items() if value != before[name])


def path_words(data: Path | None, runs: Path) -> list[str]:
    """--data and --runs as command-line arguments, without those at their default."""
    named = [] if data is None else ["--data", str(data)]
    return named + ([] if runs == Path("runs") else ["--runs", str(runs)])


def place_of(request: Request) -> str:
    """Where a request's data lie, whole, as a run keeps it to be found again by them."""
    return str(request.data_folder.resolve())


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All installed competitions, for verbs that are not about one of them.

    Attributes:
        load: a name to its competition; a KitError names the nearest.
        folder: the folder of their folders.
        taken: names that a new competition must not have.
        run_kernel: runs a kernel that is pushed to the local Kaggle.
    """

    competitions: tuple[Competition, ...]
    load: Callable[[str], Competition]
    folder: Path
    taken: frozenset[str]
    run_kernel: RunKernel
