"""Where TOY_GPU names the toy's library, the import of torch brings toy GPUs with it."""

# ruff: noqa: ARG002  torch and Python pass what is of no use here

import ctypes
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any


class WithToyGpu(Loader):
    """Torch's own loader; the toy's library is there before torch asks for its GPU."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        found: ModuleType | None = self.own.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        place = Path(self.own.path).parent / "lib"
        for name in (
            *sorted(place.glob("libgomp*")),
            place / "libc10.so",
            place / "libtorch_cpu.so",
        ):
            ctypes.CDLL(str(name), mode=ctypes.RTLD_GLOBAL)
        toy = ctypes.CDLL(os.environ["TOY_GPU"], mode=ctypes.RTLD_GLOBAL)
        self.own.exec_module(module)
        import toy_cuda

        toy_cuda.install(toy)


class Finder(MetaPathFinder):
    """Finds torch once, for this loader."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None:
            spec.loader = WithToyGpu(spec.loader)
        return spec


if "TOY_GPU" in os.environ:
    sys.meta_path.insert(0, Finder())
