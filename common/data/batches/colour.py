"""Colour jitter of an image as one affine map of RGB: brightness, contrast, saturation and hue.

The ranges are those of torchvision's and albumentations' ColorJitter. In RGB all four are affine and, with the
hue turned about the grey axis (in YIQ), they commute: their order does not matter, and an image is
read and written once. Values are cut off to 0 … 255 at the end alone, not after each of the four.
"""

import math
import random

import cv2
import numpy as np
import numpy.typing as npt

CHANCE = 0.8  # of an image to be changed at all
STRENGTH = 0.3  # largest change of brightness, contrast and saturation
HUE = 0.05  # largest change of the hue, as a share of the circle
LUMA = np.array([0.299, 0.587, 0.114])
TO_YIQ = np.array([LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])
_, I_OUT, Q_OUT = np.linalg.inv(TO_YIQ).T
_, I_IN, Q_IN = TO_YIQ
GREY = np.tile(LUMA, (3, 1))  # an image to its luma in all three channels
HELD = np.outer(I_OUT, I_IN) + np.outer(Q_OUT, Q_IN)  # what is left of it: its colour
TURNED = np.outer(Q_OUT, I_IN) - np.outer(I_OUT, Q_IN)  # the same, a quarter further round the hues


def jitter(image: npt.NDArray[np.uint8], draws: random.Random) -> None:
    """Change the colours of an image uint8 [H, W, 3] in place."""
    if draws.random() >= CHANCE:
        return
    brightness, contrast, saturation = (1 + STRENGTH * draws.uniform(-1, 1) for _ in range(3))
    angle = 2 * math.pi * HUE * draws.uniform(-1, 1)
    matrix = np.empty((3, 4))
    matrix[:, :3] = GREY + saturation * (math.cos(angle) * HELD + math.sin(angle) * TURNED)
    matrix[:, :3] *= brightness * contrast
    matrix[:, 3] = brightness * (1 - contrast) * (LUMA @ cv2.mean(image)[:3])
    cv2.transform(image, matrix, dst=image)
