"""Finished jobs at work: their networks, and what they say of rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from safetensors.torch import load_file

from common.data.folds import Rows
from common.inference.features import features_of, predict_head, split
from common.inference.predict import Network, predict
from common.metrics import Probs
from common.models.backbone import rebuild
from common.training.setting import Setting


def load_trained(setting: Setting, folder: Path) -> Network:
    """The network whose weights lie in a job's folder."""
    weights = load_file(folder / "weights.safetensors")
    return setting.network(rebuild(setting.recipe, setting.classes, weights))


def predictions(
    setting: Setting, folders: Sequence[Path], rows: Rows, *, label: str
) -> Iterator[dict[str, Probs]]:
    """Each job's probs of the setting's images under each group of views: name to [len(rows), C].

    Jobs that trained on features share one pass of them.
    """
    views, features = setting.recipe.views.split("+"), None
    for number, folder in enumerate(folders, 1):
        network = load_trained(setting, folder)
        if not setting.on_features:
            text = f"{label}, model {number} of {len(folders)}"
            yield predict(network, setting.source, rows, views=views, label=text)
            continue
        _, head = split(network.model)
        if features is None:
            features = features_of(
                network, setting.source, setting.store, views=views, cache=setting.cache
            )
        yield predict_head(head, features, rows)
