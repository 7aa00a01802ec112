"""Training rows to principal coordinates, in which every solver works: standardised and uncorrelated.

Few rows are decomposed by their own products [N, N]; of many, only the moments [F, F] are formed, block by
block, and a fold's are those of all rows less those of its held-out rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.linalg.blas import dger, dsyrk

from common.data.folds import Rows
from common.inference.feature_table import FeatureTable

Array = npt.NDArray[np.float64]
Layer = tuple[Array, Array]  # weight [O, R] or [O, F], bias [O]
Columns = npt.NDArray[np.int64] | EllipsisType  # ...: all

SMALLEST = 1e-10  # of the largest variance: what is below is rounding
LEFT = 1e-6  # of a feature's squares: where rows taken away leave less, it is taken for constant


@dataclass(frozen=True)
class Part:
    """Some rows, under every view, and some columns of a table of features; a view's row is a row."""

    table: FeatureTable
    rows: Rows
    columns: Columns = ...

    def __len__(self) -> int:
        return len(self.rows) * self.table.views

    @cached_property
    def width(self) -> int:
        """F."""
        return self.table.take(self.rows[:0], self.columns).shape[2]

    @cached_property
    def places(self) -> Rows:
        """Of each row, which image of `rows` it shows."""
        return np.concatenate(
            [np.tile(each, self.table.views) for each in self.table.chunks(self.rows)]
        )

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        """The rows [few, F] a few images at a time."""
        for places in self.table.chunks(self.rows):
            block = self.table.take(self.rows[places], self.columns)
            yield block.reshape(-1, block.shape[2])


@dataclass(frozen=True)
class Moments:
    """The count of rows, and of rows less `origin` [F] the sums [F] and the sums of products [F, F].

    `squares` [F] are those of all rows of which some were taken away: rounding is a share of them.
    """

    count: int
    origin: Array
    sums: Array
    products: Array
    squares: Array

    def without(self, other: "Moments") -> "Moments":
        """The moments of the rows that are not the other's, whose products are overwritten."""
        products = np.subtract(self.products, other.products, out=other.products)
        count, sums = self.count - other.count, self.sums - other.sums
        return Moments(count, self.origin, sums, products, self.squares)


def moments(part: Part, origin: Array | None = None) -> Moments:
    """A part's moments, by default about its mean."""
    if origin is None:
        origin = sum(block.sum(axis=0, dtype=np.float64) for block in part.blocks()) / len(part)
    sums, products = np.zeros(len(origin)), np.zeros((len(origin), len(origin)))
    for block in part.blocks():
        rows = block - origin
        sums += rows.sum(axis=0)
        # In place, of the lower triangle alone: BLAS counts columns first.
        dsyrk(1.0, rows.T, beta=1.0, c=products.T, overwrite_c=True)
    for at in range(1, len(products)):
        products[:at, at] = products[at, :at]
    return Moments(len(part), origin, sums, products, products.diagonal().copy())


@dataclass(frozen=True)
class Principal:
    """Training rows, standardised, in their principal coordinates.

    Attributes:
        part: the rows.
        basis: [F, R], from standardised features to coordinates, R at most N and F: no optimum with a
            squared penalty on the weights has a part outside the span of the rows.
        mean, scale: [F], of the features.
        variances: [R], of the coordinates.
        few: the coordinates [N, R], where they come of themselves.
    """

    part: Part
    basis: Array
    mean: Array
    scale: Array
    variances: Array
    few: Array | None = None

    @cached_property
    def x(self) -> npt.NDArray[Any]:
        """The coordinates [N, R]; of many rows float32."""
        if self.few is not None:
            return self.few
        found = np.empty((len(self.part), self.basis.shape[1]), np.float32)
        mean, basis = self.mean.astype(np.float32), self.basis / self.scale[:, None]
        at, basis = 0, basis.astype(np.float32)
        for block in self.part.blocks():
            np.matmul(block - mean, basis, out=found[at : at + len(block)])
            at += len(block)
        return found

    def products(self, targets: Array) -> Array:
        """The coordinates' products with targets [N, O]: [R, O]."""
        if self.few is not None:
            return self.few.T @ targets
        found, at = np.zeros((len(self.mean), targets.shape[1])), 0
        for block in self.part.blocks():
            found += (block - self.mean).T @ targets[at : at + len(block)]
            at += len(block)
        return self.basis.T @ (found / self.scale[:, None])

    def coordinates(self, rows: npt.NDArray[np.float32]) -> Array:
        """Features [M, F] to coordinates [M, R]."""
        return ((rows - self.mean) / self.scale) @ self.basis

    def unfold(self, layer: Layer) -> Layer:
        """A layer on coordinates as the same layer on features as they come."""
        weight, bias = layer
        own = (weight @ self.basis.T) / self.scale
        return own, bias - own @ self.mean


def principal(part: Part, known: Moments | None = None) -> Principal:
    """A part's rows to their principal coordinates; `known`: their moments, if these are known."""
    few = len(part) < part.width
    return _of_few(part) if few else _of_many(part, known or moments(part))


def _of_few(part: Part) -> Principal:
    z = np.concatenate([block.astype(np.float64) for block in part.blocks()])
    count, mean = len(z), z.mean(axis=0)
    z -= mean
    scale = _scale(np.sqrt(np.einsum("nf,nf->f", z, z) / count), mean)
    z /= scale
    values, vectors = _decomposed(z @ z.T / count)
    lengths = np.sqrt(values * count)
    vectors /= lengths
    basis = z.T @ vectors
    vectors *= lengths**2
    return Principal(part, basis, mean, np.where(np.isinf(scale), 1.0, scale), values, vectors)


def _of_many(part: Part, known: Moments) -> Principal:
    shift = known.sums / known.count
    mean = known.origin + shift
    covariance = known.products / known.count
    dger(-1.0, shift, shift, a=covariance.T, overwrite_a=True)  # in place
    variances = np.diagonal(covariance)
    varies = known.count * variances > LEFT * known.squares
    scale = _scale(np.sqrt(np.where(varies, variances, 0)), mean)
    covariance /= scale
    covariance /= scale[:, None]
    values, vectors = _decomposed(covariance)
    return Principal(part, vectors, mean, np.where(np.isinf(scale), 1.0, scale), values)


def _scale(spread: Array, mean: Array) -> Array:
    """The standard deviations, inf of a feature that is always the same: standardised, it is 0."""
    return np.where(spread <= 1e-6 * np.maximum(1e-6, np.abs(mean)), np.inf, spread)


def _decomposed(matrix: Array) -> tuple[Array, Array]:
    """The eigenvalues of a symmetric matrix, and their vectors, that are more than rounding.

    The matrix is overwritten; it and the vectors are all that is held.
    """
    values, vectors = eigh(matrix.T, driver="evr", overwrite_a=True, check_finite=False)
    first = int(np.searchsorted(values, SMALLEST * max(values[-1], 1e-300), side="right"))
    return values[first:], vectors[:, first:]
