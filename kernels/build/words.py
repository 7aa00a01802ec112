"""Words that are passed on to Kaggle, checked before anything is built."""

from common.errors import KitError
from common.kaggle import client
from common.kaggle.client.retry import Environment
from common.kaggle.machines import NO_GPU, image_fault, machine_fault, restricted
from common.progress import say
from common.workflow.request import Request
from kernels.build.spec import Shape

USUAL_S = 9 * 3600  # of a kernel in a competition that takes notebooks only


def check_words(request: Request, shape: Shape) -> None:
    """Refuse what Kaggle would take without a word and run otherwise; say what it may not give.

    Raises:
        KitError: no machine or image of that name, or one that the recipe cannot use.
    """
    machine, image = shape.machine, shape.docker_image
    if machine is not None:
        fault = machine_fault(machine) or _unfit(machine, request.recipe.device)
        if fault:
            raise KitError(f"--machine {machine}: {fault}")
        if told := restricted(machine):
            say(told)
    elif request.recipe.device == "mps":
        raise KitError("device=mps: Kaggle has no such device: leave it out, or say device=cpu")
    if image is not None and (fault := image_fault(image, shape.docker_pin or "")):
        raise KitError(f"--docker-image {image}: {fault}")


def _unfit(machine: str, device: str) -> str:
    """Why a recipe for this device has no use of the machine; "": it has."""
    if device == "mps":
        return "device=mps is on no machine of Kaggle's: leave it out"
    if device == "cpu" and machine != NO_GPU:
        return f"device=cpu uses no accelerator, and it costs quota: say --machine {NO_GPU}, or leave out device=cpu"
    if device == "cuda" and machine == NO_GPU:
        return "device=cuda needs a GPU: leave --machine out, or say device=cpu"
    return ""


def say_of_site(request: Request, shape: Shape) -> None:
    """Say what of the flags a competition that takes notebooks only will not like."""
    long = (shape.time_limit or 0) > USUAL_S
    if not (shape.internet or long):
        return
    code_only = takes_notebooks_only(request, None)
    if code_only and shape.internet:
        say(
            f"{request.slug} takes submissions from notebooks without the internet: what this kernel trains can be "
            "submitted by another one, and not from it"
        )
    if code_only and long:
        say(
            f"{request.slug} takes submissions from notebooks, as a rule of {USUAL_S // 3600} hours at most: "
            f"--time-limit {USUAL_S} keeps to that"
        )


def takes_notebooks_only(request: Request, environment: Environment) -> bool:
    """Does the site say that the competition takes submissions from notebooks alone?"""
    try:
        return bool(client.competition_info(request.slug, environment=environment)["code_only"])
    except client.KaggleError:  # what is called next tells what is wrong
        return False
