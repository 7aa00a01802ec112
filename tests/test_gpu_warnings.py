"""On a GPU a library's warning of itself is no failure; a warning of our own code is one."""

import warnings
from typing import Any

import pytest
from toy_warnings import GPU_WARNINGS

KINDS = (UserWarning, DeprecationWarning, FutureWarning)


def warn_in(module: str, kind: type[Warning]) -> None:
    """Warn as a line of this module would."""
    exec("warnings.warn('old', kind)", {"__name__": module, "warnings": warnings, "kind": kind})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings(*GPU_WARNINGS)
def test_a_warning_of_ours_fails_and_one_of_a_library_does_not(kind: type[Warning]) -> None:
    for module in ("torch.jit._script", "torch._inductor.compile_fx", "timm.layers", "accelerate",
                   "triton.runtime", "numpy._core", "ast", "commonmark", "kitten"):  # fmt: skip
        warn_in(module, kind)
    for module in ("common.training.loop", "common", "competitions.digits", "kernels.runtime.main",
                   "kit", "benchmarks.loop", "tests.common.training.test_gpu", "toy_gpu_cases"):  # fmt: skip
        with pytest.raises(kind, match="old"):
            warn_in(module, kind)


@pytest.mark.filterwarnings(*GPU_WARNINGS)
def test_other_warnings_fail_wherever_they_come_from() -> None:
    with pytest.raises(RuntimeWarning, match="old"):
        warn_in("torch.nn", RuntimeWarning)


@pytest.mark.parametrize("name", ["gpu", "slow"])
def test_only_tests_that_need_a_gpu_are_judged_so(request: Any, name: str) -> None:
    item = pytest.Function.from_parent(request.node.parent, name="one", callobj=lambda: None)
    item.add_marker(name)
    request.config.hook.pytest_itemcollected(item=item)
    found = [mark.args for mark in item.iter_markers("filterwarnings")]
    assert found == ([GPU_WARNINGS] if name == "gpu" else [])
