"""What is tested on a GPU also passes on a toy one, where this machine has none (tests/toys/toy_gpu).

Slow: about ten minutes. The plain tests named below train on the toy too.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import toy_gpu

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU of its own"),
    pytest.mark.skipif(not toy_gpu.compiler_found, reason=f"{toy_gpu.COMPILER} is not installed"),
]
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
# Plain tests that train on whichever device they are told: of everything that has a network's output
# on one side and numbers of the host on the other.
PLAIN = [
    "tests/common/inference",
    "tests/common/models",
    "tests/common/training/solved",
    "tests/common/training/test_chosen_features.py",
    "tests/common/training/test_noise.py",
    "tests/common/training/test_phases.py",
    "tests/common/training/test_pseudo_images.py",
    "tests/common/training/test_pseudo_labels.py",
    "tests/common/training/test_several_backbones.py",
    "tests/common/training/test_solved_heads.py",
    "tests/common/workflow",
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = toy_gpu.library(tmp_path_factory.mktemp("toy_gpu"))
    assert said(made, "print(torch.cuda.is_available(), torch.cuda.device_count())") == "True 1\n"
    return made


def said(library: Path, code: str, gpus: int = 1) -> str:
    """What a program prints that has toy GPUs."""
    environment = os.environ | toy_gpu.environment(library, gpus)
    done = subprocess.run(
        [sys.executable, "-c", f"import torch\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return done.stdout


def passes(library: Path, *words: str, gpus: int = 1) -> None:
    """These tests pass on toy GPUs, and there are some."""
    environment = os.environ | toy_gpu.environment(library, gpus) | {"KIT_TEST_DEVICE": "cuda"}
    command = [sys.executable, "-m", "pytest", "-v", "--tb=short", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert not done.returncode, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert " passed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "name", ["test_gpu.py", "test_gpu_parts.py", "test_gpu_runs.py", "test_memory_gpu.py"]
)
def test_what_is_tested_on_a_gpu_passes_on_a_toy_one(library: Path, name: str) -> None:
    passes(library, "-m", "gpu", str(HERE / name))


@pytest.mark.parametrize("place", PLAIN)
def test_plain_tests_pass_on_a_toy_gpu(library: Path, place: str) -> None:
    passes(library, str(ROOT / place))


def test_two_toy_gpus_share_the_rows_of_a_package(library: Path) -> None:
    place = ROOT / "tests/common/workflow/predicting/test_answer.py"
    passes(library, str(place), "-k", "two_devices or visible or broken", gpus=2)


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("here + torch.ones(3)", "cpu (of shape [3]) and cuda:0"),
        ("here + there", "cuda:0 and cuda:1"),
        ("torch.ones(3)[here.long()]", "cpu (of shape [3]) and cuda:0"),
        ("torch.rand(3, generator=torch.Generator(), device='cuda')", "'cuda' device type"),
        ("torch.nn.Linear(3, 2)(here)", "cpu (of shape [3, 2]) and cuda:0"),
    ],
)
def test_a_toy_gpu_refuses_what_a_gpu_refuses(library: Path, operation: str, told: str) -> None:
    code = f"""
here, there = torch.ones(3, device="cuda"), torch.ones(3, device="cuda:1")
try:
    {operation}
except RuntimeError as error:
    print(error)
"""
    assert told in said(library, code, gpus=2)


def test_a_toy_gpu_computes_copies_and_draws_as_a_gpu_may(library: Path) -> None:
    code = """
here = torch.ones(3, device="cuda")
torch.manual_seed(0)
drawn = torch.rand(2, device="cuda")
torch.manual_seed(0)
assert torch.equal(drawn, torch.rand(2, device="cuda"))
assert (here + 1)[torch.tensor([0, 2])].tolist() == [2, 2]
assert torch.zeros(3).copy_(here).device.type == "cpu"
assert (here * torch.tensor(2.0)).sum().item() == 6
with torch.autocast("cuda", torch.bfloat16):
    assert torch.nn.Linear(3, 2).cuda()(here).dtype == torch.bfloat16
torch.cuda.set_per_process_memory_fraction(0.001)
try:
    torch.empty(2**25, device="cuda")
except torch.OutOfMemoryError:
    print("full")
"""
    assert said(library, code) == "full\n"


def test_an_epoch_of_any_length_waits_for_the_gpu_as_often(library: Path, tmp_path: Path) -> None:
    """But for a look at the loss every twentieth update."""
    code = f"""
import sys
from pathlib import Path
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests/toys")!r}]
import common.training.loop as loop
from common.targets import OneClass
from common.verbs import validate
from competitions.cifar10.recipes import SPEED
from toy_competitions import laid_out, request_of, toy_competition

honest, waits = loop.train_epoch, []

def counted(*args, **places):
    before = torch.cuda.toy_waits()
    record = honest(*args, **places)
    waits.append(torch.cuda.toy_waits() - before)
    return record

loop.train_epoch = counted
names = "backbone optimizer norm_bias_lr_scale head_lr_scale augment ema_decay clip_grad".split()
fields = {{name: getattr(SPEED, name) for name in names}}
for count in (60, 160):
    folder = Path({str(tmp_path)!r}) / str(count)
    competition = toy_competition(OneClass(), "accuracy", ["label"])
    laid_out(competition, folder / "data", count=count, side=32)
    fields |= dict(device="cuda", batch_size=10, folds=1, groups="none", epochs=2, precision="bf16")
    validate.run(request_of(competition, folder, **fields))
print(*waits)
"""
    *few, first, second = map(int, said(library, code).splitlines()[-1].split())
    assert few == [first, second] and first > 0


def test_captured_passes_of_earlier_folds_and_sizes_are_freed(
    library: Path, tmp_path: Path
) -> None:
    """The toy's captured passes take 64 MB each, held in a cycle as torch holds them."""
    code = f"""
import gc
import sys
from pathlib import Path
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests/toys")!r}]
from common.targets import OneClass
from common.verbs import validate
from toy_competitions import laid_out, request_of, toy_competition

competition = toy_competition(OneClass(), "accuracy", ["label"])
laid_out(competition, Path({str(tmp_path)!r}) / "data", side=32)
fields = dict(device="cuda", precision="fp32", folds=4, epochs=3, image_size=48)
gc.disable()
validate.run(request_of(competition, Path({str(tmp_path)!r}), initial_image_size=16, **fields))
print(torch.cuda.max_memory_allocated() // 2**20)
"""
    assert 64 <= int(said(library, code).splitlines()[-1]) < 2 * 64


def test_a_network_that_waits_for_the_gpu_is_not_captured(library: Path) -> None:
    code = f"""
import sys
from types import SimpleNamespace
sys.path.insert(0, {str(ROOT)!r})
from common.recipe import Recipe
from common.training.training_forward import TrainingForward
from torch import nn

class Asks(nn.Linear):
    def forward(self, x):
        return super().forward(x) + (self.asks and x.sum().item())

for asks in (False, True):
    model = Asks(3, 2).cuda()
    model.asks = asks
    network = SimpleNamespace(model=model, device=torch.device("cuda"), precision=torch.float32)
    forward = TrainingForward(network, Recipe())
    forward.prepare(torch.ones(4, 3, device="cuda"))
    print(forward.forward is forward.plain)
"""
    assert said(library, code).split() == ["False", "True"]
