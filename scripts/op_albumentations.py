"""Ops as users of Albumentations write them: a transform with p = 1 for one image at a time."""

from __future__ import annotations

from typing import Any

import albumentations as A
import cv2
import numpy as np

cv2.setNumThreads(0)
_EDGE = cv2.BORDER_REPLICATE


def _affine(**moved: Any) -> Any:
    return A.Affine(border_mode=_EDGE, p=1, **moved)


def _jitter(**ranges: tuple[float, float]) -> Any:
    kept = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
    return A.ColorJitter(**{**kept, **ranges}, p=1)


_SLANT = (-16.7, 16.7)

# By the names of ops.
WAYS: dict[str, Any] = {
    "rotate": A.Rotate(30, border_mode=_EDGE, p=1),
    "shift": _affine(translate_percent=(-0.3, 0.3)),
    "shear": _affine(shear={"x": (-30, 30), "y": (0, 0)}),
    "shearx": _affine(shear={"x": _SLANT, "y": (0, 0)}),
    "sheary": _affine(shear={"x": (0, 0), "y": _SLANT}),
    "translatex": _affine(translate_percent={"x": (-0.3, 0.3), "y": (0, 0)}),
    "translatey": _affine(translate_percent={"x": (0, 0), "y": (-0.3, 0.3)}),
    "zoom": _affine(scale={"x": (0.67, 2), "y": (0.67, 2)}),
    "perspective": A.Perspective((0, 0.25), p=1),
    "elastic": A.ElasticTransform(
        34, 4, noise_distribution="uniform", border_mode=cv2.BORDER_REFLECT, p=1
    ),
    "flip": A.HorizontalFlip(p=1),
    "flipud": A.VerticalFlip(p=1),
    "altflip": A.HorizontalFlip(p=0.5),
    "rot": A.RandomRotate90(p=1),
    "crop": A.Compose([A.Pad(4), A.RandomCrop(32, 32)]),
    "rrc": A.RandomResizedCrop((32, 32)),
    "erase": A.Erasing((0.02, 0.4), (0.3, 3.3), p=1),
    "cutout": A.CoarseDropout((1, 1), (16, 16), (16, 16), fill=120, p=1),
    "gridmask": A.GridDropout(0.6, unit_size_range=(24, 32), p=1),
    "brightness": _jitter(brightness=(0.6, 1.4)),
    "gamma": A.RandomGamma((80, 120), p=1),
    "contrast": _jitter(contrast=(0.6, 1.4)),
    "invert": A.InvertImg(p=1),
    "autocontrast": A.AutoContrast(method="pil", p=1),
    "equalize": A.Equalize("pil", p=1),
    "posterize": A.Posterize(4, p=1),
    "solarize": A.Solarize((0.5, 0.5), p=1),
    "saturation": _jitter(saturation=(0.6, 1.4)),
    "hue": _jitter(hue=(-0.1, 0.1)),
    "colorjitter": A.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1), p=1),
    "gray": A.ToGray(p=1),
    "rgbshift": A.RGBShift(20, 20, 20, p=1),
    "channelshuffle": A.ChannelShuffle(p=1),
    "blur": A.GaussianBlur(0, (0.1, 2), p=1),
    "noise": A.GaussNoise((0, 10 / 255), p=1),
    "saltpepper": A.SaltAndPepper((0.01, 0.06), p=1),
    "jpeg": A.ImageCompression("jpeg", (50, 100), p=1),
    "corruptgaussiannoise": A.GaussNoise((0.04, 0.04), p=1),
    "corruptimpulsenoise": A.SaltAndPepper((0.01, 0.01), (0.5, 0.5), p=1),
    "corruptglassblur": A.GlassBlur(0.05, 1, 1, p=1),
    "corruptdefocusblur": A.Defocus((1, 1), (0.4, 0.4), p=1),
    "corruptjpeg": A.ImageCompression("jpeg", (80, 80), p=1),
    "rescale": A.ToFloat(255),
    "normalize": A.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}


def made(transform: Any, images: np.ndarray) -> np.ndarray:
    """A batch, image by image."""
    return np.stack([transform(image=image)["image"] for image in images])
