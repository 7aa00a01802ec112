"""A GPU for machines without one: tensors of device cuda in the host's memory, by torch's CPU kernels.

    PYTHONPATH=tests/toys/toy_gpu/startup TOY_GPU=FILE python -m pytest -m gpu …

FILE is what `library` makes. Every Python process of that environment, Ray's and a sandbox's own among
them, has TOY_GPUS (default: 1) GPUs of 16 GB. Shown: tensors or generators of two devices in one
operation, autocast and loss scaling as CUDA has them, memory that runs out, what the host waits for,
outputs of a captured pass that the next one overwrites. Not shown: cuDNN, streams, the kernels of CUDA
graphs and of compiled networks (`compile` traces and differentiates, and stops there), any speed.
It uses torch's internals, of the newest torch that the kit is tested with.
"""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
COMPILER = os.environ.get("CXX", "g++")
compiler_found = shutil.which(COMPILER) is not None


def library(folder: Path) -> Path:
    """Compile the toy's operations into a folder: about ten seconds."""
    import torch

    torch_home, made = Path(torch.__file__).parent, folder / "libtoy_gpu.so"
    headers = [torch_home / "include", torch_home / "include/torch/csrc/api/include"]
    subprocess.run(
        [
            *(COMPILER, "-shared", "-fPIC", "-O1", "-std=c++20", "-w"),
            *(f"-I{folder}" for folder in headers),
            *(str(HERE / "toy_gpu.cpp"), "-o", str(made)),
            *(
                f"-L{torch_home / 'lib'}",
                "-ltorch_cpu",
                "-lc10",
                f"-Wl,-rpath,{torch_home / 'lib'}",
            ),
        ],
        check=True,
    )
    return made


def environment(library: Path, gpus: int = 1) -> dict[str, str]:
    """What a Python process needs in its environment to have toy GPUs."""
    paths = [str(HERE / "startup"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "TOY_GPU": str(library),
        "TOY_GPUS": str(gpus),
    }
