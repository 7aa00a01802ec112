"""A compiled network in phases: the bits of the network as it is, and graphs for every phase."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from common.training.jobs import jobs_of
from common.training.loop import train
from common.workflow.prepare import prepared

LIMITS = ("recompile_limit", "cache_size_limit")  # newer and older names of torch's


@pytest.mark.slow
def test_every_phase_is_compiled_however_many_there_are(
    toy: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    config = torch._dynamo.config
    for name in LIMITS:
        if hasattr(config, name):
            monkeypatch.setattr(config, name, 2)  # torch's is 8: a ViT has more stages than that
    graphs: list[Any] = []

    def kept(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=kept))
    found = []
    for compiled in (False, True):
        request = toy(epochs=5, freeze="gradual:1", compile=compiled, groups="none")
        with prepared(request) as ready:
            (job, *_), folder = jobs_of(ready.recipe, ready.split.folds), tmp_path / str(compiled)
            list(train(job, ready.setting, folder))
        found.append(load_file(folder / "weights.safetensors"))
    assert len(graphs) == 5  # the head alone, then a stage more each time
    for name, tensor in found[0].items():
        assert torch.equal(tensor, found[1][name]), name
