"""Features in principal coordinates, and what a solved layer says of them."""

from typing import Any

import numpy as np

from common.inference.feature_table import FeatureTable
from common.training.solved.principal import Layer, Part, Principal, principal


def of_rows(x: Any) -> Principal:
    return principal(Part(FeatureTable([[x[None]]]), np.arange(len(x))))


def standardised(x: Any, of: Principal) -> Any:
    return (x - of.mean) / of.scale


def outputs(x: Any, layer: Layer) -> Any:
    return x @ layer[0].T + layer[1]
