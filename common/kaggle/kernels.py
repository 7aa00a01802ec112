"""Stub."""
from dataclasses import dataclass
class KernelError(ValueError): "x"
@dataclass(frozen=True)
class Pushed:
    "x"
    owner: str; slug: str; version: int; url: str
@dataclass(frozen=True, kw_only=True)
class Kernel:
    "x"
    slug: str; title: str; text: str; machine: str; internet: bool
    competitions: tuple[str, ...]; datasets: tuple[str, ...]; kernels: tuple[str, ...]
    docker_pin: str; docker_image: str; seconds: int; private: bool = True
