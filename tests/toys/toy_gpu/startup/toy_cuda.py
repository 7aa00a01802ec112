"""Python's side of the toy GPU: what `torch.cuda` says and does there."""

# ruff: noqa: ARG001, ARG002, ARG005  torch and Python pass what is of no use here

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch

MEMORY = 16 * 2**30
POOL = 64 * 2**20  # of a captured pass
PROPERTIES = SimpleNamespace(
    name="Toy GPU",
    total_memory=MEMORY,
    major=8,
    minor=0,
    multi_processor_count=4,
    warp_size=32,
    max_threads_per_multi_processor=2048,
    regs_per_multiprocessor=65536,
    shared_memory_per_block=49152,
)


class Stream:
    """Everything is done when it returns: nothing is ever waited for."""

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        self.device = torch.device(device if device is not None else "cuda")

    def wait_stream(self, stream: Any) -> None: ...

    def synchronize(self) -> None: ...


@contextmanager
def on_stream(stream: Any = None) -> Iterator[None]:
    yield


def graphed(function: Any, sample_args: Any, **_: Any) -> Callable[..., Any]:
    """As `make_graphed_callables` of one function: inputs as captured; each call ends the last one's output."""
    captured = [(each.shape, each.dtype, each.device) for each in sample_args]
    last: list[torch.Tensor] = []
    pool = torch.empty(POOL, dtype=torch.uint8, device=sample_args[0].device)

    def replayed(*args: torch.Tensor) -> torch.Tensor:
        assert [(each.shape, each.dtype, each.device) for each in args] == captured
        result: torch.Tensor = function(*args)
        for each in last:
            each.fill_(torch.nan)
        last[:] = [result.detach()]
        return result

    held = SimpleNamespace(pool=pool)
    held.itself = held  # in a cycle, as torch has it
    replayed.held = held  # type: ignore[attr-defined]
    return replayed


def install(toy: Any) -> None:
    """Give CUDA the toy's operations, and `torch.cuda` the toy's answers."""
    toy.toy_limit.argtypes = [ctypes.c_int64]
    for name in ("toy_used", "toy_peak", "toy_waits"):
        getattr(toy, name).restype = ctypes.c_int64
    toy.toy_install()
    _set(
        torch.cuda,
        init=lambda: None,
        _lazy_init=lambda: None,
        is_initialized=lambda: True,
        is_available=lambda: True,
        synchronize=lambda device=None: None,
        empty_cache=lambda: None,
        get_device_capability=lambda device=None: (8, 0),
        get_device_name=lambda device=None: PROPERTIES.name,
        get_device_properties=lambda device=None: PROPERTIES,
        is_bf16_supported=lambda including_emulation=True: True,
        is_current_stream_capturing=lambda: False,
        make_graphed_callables=graphed,
        toy_waits=lambda: int(toy.toy_waits()),
    )
    _set(torch.Tensor, record_stream=lambda tensor, stream: None)
    _set_devices(toy)
    _set_generators(toy)
    _set_memory(toy)
    _copy_storages()
    _stop_at_tracing()


def _set_devices(toy: Any) -> None:
    """Which device is the current one, its stream, and what becomes of a wait for it."""
    mode, here = [0], Stream("cuda:0")

    def set_mode(chosen: int | str) -> None:
        mode[0] = {"default": 0, "warn": 1, "error": 2}.get(str(chosen), chosen)  # type: ignore[arg-type]
        toy.toy_waiting_fails(mode[0] == 2)

    _set(
        torch.cuda,
        device_count=lambda: int(toy.toy_devices()),
        current_device=lambda: int(toy.toy_current()),
        set_device=lambda device: toy.toy_exchange(_index(toy, device)),
        _exchange_device=lambda index: int(toy.toy_exchange(index)),
        _maybe_exchange_device=lambda index: int(toy.toy_exchange(index)),
        get_sync_debug_mode=lambda: mode[0],
        set_sync_debug_mode=set_mode,
        Stream=Stream,
        stream=on_stream,
        current_stream=lambda device=None: here,
        default_stream=lambda device=None: here,
    )


def _set_generators(toy: Any) -> None:
    def default(number: int) -> torch.Generator:
        toy.toy_next_generator_is_default()
        return torch.Generator(f"cuda:{number}")

    defaults = tuple(default(number) for number in range(toy.toy_devices()))

    def seed_all(seed: int) -> None:
        for generator in defaults:
            generator.manual_seed(int(seed))

    _set(
        torch.cuda,
        default_generators=defaults,
        manual_seed=seed_all,
        manual_seed_all=seed_all,
        get_rng_state=lambda device=None: defaults[_index(toy, device)].get_state(),
        set_rng_state=lambda state, device=None: defaults[_index(toy, device)].set_state(state),
    )
    _set(torch.cuda.random, default_generators=defaults, manual_seed_all=seed_all)


def _set_memory(toy: Any) -> None:
    def used(device: Any = None) -> int:
        return int(toy.toy_used())

    def peak(device: Any = None) -> int:
        return int(toy.toy_peak())

    def limit(share: float, device: Any = None) -> None:
        toy.toy_limit(int(share * MEMORY))

    _set(
        torch.cuda,
        mem_get_info=lambda device=None: (MEMORY - used(), MEMORY),
        memory_allocated=used,
        memory_reserved=used,
        max_memory_allocated=peak,
        max_memory_reserved=peak,
        reset_peak_memory_stats=lambda device=None: toy.toy_reset_peak(),
        set_per_process_memory_fraction=limit,
    )


def _index(toy: Any, device: Any) -> int:
    """Of a device, or of the current one."""
    index = device if device is None or isinstance(device, int) else torch.device(device).index
    return int(toy.toy_current()) if index is None else index


def _copy_storages() -> None:
    """Storages are cloned by way of tensors: their own way asks CUDA's allocator."""
    own = torch.UntypedStorage.clone

    def clone(storage: torch.UntypedStorage) -> torch.UntypedStorage:
        if storage.device.type != "cuda":
            return own(storage)
        here = torch.empty(0, dtype=torch.uint8, device=storage.device)
        return here.set_(storage, 0, (storage.nbytes(),), (1,)).clone().untyped_storage()

    _set(torch.UntypedStorage, clone=clone)


def _stop_at_tracing() -> None:
    """Compiled: traced and differentiated as ever, and then the operations themselves."""
    own = torch.compile

    def compile(model: Any = None, **settings: Any) -> Any:
        for name in ("mode", "options"):
            settings.pop(name, None)
        return own(model, **settings | {"backend": "aot_eager"})

    _set(torch, compile=compile)


def _set(place: Any, **names: Any) -> None:
    for name, value in names.items():
        setattr(place, name, value)
