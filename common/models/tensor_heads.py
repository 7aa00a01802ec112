"""Solved heads that are no linear layer, made of named tensors of any shape: nearest neighbours, boosted trees."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

# The share of an answer that all rows of the bank give: it ranks the classes that no neighbour has.
REST = 0.02
FLOOR = 1e-30  # of a share: below, shares are not told apart
NUMBERS = 2**23  # of an array of similarities
KINDS = ("softmax", "sigmoid", "identity")  # outputs are logs of shares, logits of chances, numbers
PLACES = 2**21  # of an array of places in trees


class TensorHead(nn.Module):
    """A head that is made of named tensors, whatever their shapes: those of its state dict."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)


class Neighbours(TensorHead):
    """Features [..., F] to outputs [..., O]: the answers of the k nearest rows, weighed by similarity s.

    s is the cosine of what `weight` [P, F] and `bias` [P] project to and of `bank` [M, P], rows of length
    1 in float16. A neighbour weighs exp(s / temperature). `answers` are classes [M], or [M, O] in units of
    the outputs, where they are `known` [M, O]. `settings`: k, temperature, O, place in `KINDS`.
    """

    weight: Tensor
    bias: Tensor
    bank: Tensor
    answers: Tensor
    known: Tensor
    settings: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """The outputs at the head's own k and temperature, a few rows at a time."""
        k, temperature = self.settings[:2].tolist()
        with torch.autocast(features.device.type, enabled=False):
            found = []
            for part in features.float().flatten(0, -2).split(self.rows_at_once):
                similar = self.similarities(part)
                found.append(self.outputs(similar, nearest(similar, int(k)), temperature))
        return torch.cat(found).unflatten(0, features.shape[:-1])

    @property
    def rows_at_once(self) -> int:
        """How many rows' similarities to all of the bank are formed at once."""
        return max(1, NUMBERS // len(self.bank))

    def similarities(self, features: Tensor) -> Tensor:
        """Features to the similarity of every row of the bank [..., M]."""
        place = nn.functional.linear(features, self.weight, self.bias)
        return nn.functional.normalize(place, dim=-1) @ self.bank.float().T

    def outputs(self, similar: Tensor, near: Tensor, temperature: float) -> Tensor:
        """Similarities and which are `nearest` [..., M] to outputs [..., O]."""
        every = (similar / temperature).softmax(dim=-1)
        weights = every * near
        weights = (1 - REST) * weights / weights.sum(dim=-1, keepdim=True) + REST * every
        kind = KINDS[int(self.settings[3])]
        if self.answers.ndim == 1:
            shape = (*similar.shape[:-1], int(self.settings[2]))
            shares = weights.new_zeros(shape).index_add_(-1, self.answers.long(), weights)
        else:
            given = weights @ (self.known * self.answers).float()
            shares = given / (weights @ self.known.float()).clamp_min(FLOOR)
        if kind == "softmax":
            return shares.clamp_min(FLOOR).log()
        return shares.logit(1e-6) if kind == "sigmoid" else shares


def nearest(similar: Tensor, k: int) -> Tensor:
    """Which of similarities [..., M] are among the k largest, or as large: bool."""
    return similar >= similar.topk(min(k, similar.shape[-1])).values[..., -1:]


class Trees(TensorHead):
    """Features [..., F] to outputs [..., O]: `baseline` [O] and, at its `column`, each tree's leaf.

    Trees look at what `weight` [P, F] and `bias` [P] project to. Nodes stand one after another: a node asks
    whether a `feature` is at most `threshold`, and goes `left` or `right`; a leaf goes to itself and has
    a `value`. Of each tree T: its `root`, its `column`. `depth` [1] is that of the deepest.
    """

    weight: Tensor
    bias: Tensor
    baseline: Tensor
    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    root: Tensor
    column: Tensor
    depth: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """The sum over all trees, a few rows at a time."""
        size = max(1, PLACES // max(1, len(self.root)))
        with torch.autocast(features.device.type, enabled=False):
            parts = features.float().flatten(0, -2).split(size)
            found = [self.outputs(self.leaves(part)) for part in parts]
        return torch.cat(found).unflatten(0, features.shape[:-1])

    def leaves(self, features: Tensor) -> Tensor:
        """Rows [B, F] to the value of every tree's leaf [B, T]."""
        place = nn.functional.linear(features, self.weight, self.bias)
        node = self.root.long().expand(len(place), -1)
        for _ in range(int(self.depth)):
            low = place.gather(1, self.feature[node].long()) <= self.threshold[node]
            node = torch.where(low, self.left[node], self.right[node]).long()
        return self.value[node]

    def outputs(self, leaves: Tensor, count: int | None = None) -> Tensor:
        """The values of leaves [B, T] to outputs [B, O]; `count`: by the first trees alone."""
        base = self.baseline.expand(len(leaves), -1).clone()
        return base.index_add_(1, self.column[:count].long(), leaves[:, :count])


TENSOR_HEADS: dict[str, type[TensorHead]] = {"knn": Neighbours, "boosting": Trees}
