"""Ops of torchvision's transforms.v2, for one image at a time, and of Kornia, for batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

torch.set_num_threads(1)
_MEAN, _STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def torchvision_ways() -> dict[str, Any]:
    """By the names of ops."""
    from torchvision.transforms import v2

    linear = v2.InterpolationMode.BILINEAR
    floats = v2.ToDtype(torch.float32, scale=True)

    def affine(**moved: Any) -> Any:
        return v2.RandomAffine(**{"degrees": 0, **moved}, interpolation=linear)

    return {
        "rotate": v2.RandomRotation(30, linear),
        "shift": affine(translate=(0.3, 0.3)),
        "shear": affine(shear=(-30, 30)),
        "translatex": affine(translate=(0.3, 0.0)),
        "translatey": affine(translate=(0.0, 0.3)),
        "perspective": v2.RandomPerspective(0.5, p=1),
        "elastic": v2.ElasticTransform(68.0, 4.0),
        "flip": v2.RandomHorizontalFlip(1),
        "flipud": v2.RandomVerticalFlip(1),
        "altflip": v2.RandomHorizontalFlip(0.5),
        "crop": v2.RandomCrop(32, padding=4),
        "rrc": v2.RandomResizedCrop(32, antialias=False),
        "erase": v2.RandomErasing(1, (0.02, 0.4)),
        "brightness": v2.ColorJitter(brightness=0.4),
        "contrast": v2.ColorJitter(contrast=0.4),
        "saturation": v2.ColorJitter(saturation=0.4),
        "hue": v2.ColorJitter(hue=0.1),
        "colorjitter": v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
        "invert": v2.RandomInvert(1),
        "autocontrast": v2.RandomAutocontrast(1),
        "equalize": v2.RandomEqualize(1),
        "posterize": v2.RandomPosterize(4, 1),
        "solarize": v2.RandomSolarize(128, 1),
        "gray": v2.RandomGrayscale(1),
        "channelshuffle": v2.RandomChannelPermutation(),
        "blur": v2.GaussianBlur(13, (0.1, 2.0)),
        "noise": v2.Compose([floats, v2.GaussianNoise(0, 5 / 255), v2.ToDtype(torch.uint8, True)]),
        "jpeg": v2.JPEG((50, 100)),
        "mixup": v2.Compose(
            [floats, v2.MixUp(alpha=1.0, num_classes=10), v2.ToDtype(torch.uint8, True)]
        ),
        "cutmix": v2.Compose([v2.CutMix(alpha=1.0, num_classes=10)]),
        "randaugment": v2.RandAugment(2, 9),
        "trivialaugment": v2.TrivialAugmentWide(),
        "autoaugment": v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10),
        "augmix": v2.AugMix(),
        "corruptjpeg": v2.JPEG(80),
        "rescale": floats,
        "normalize": v2.Compose([floats, v2.Normalize(_MEAN, _STD)]),
    }


def torchvision_made(transform: Any, images: np.ndarray) -> np.ndarray:
    """A batch, image by image, since a transform draws once a call; mixing takes the batch."""
    from torchvision.transforms import v2

    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    mixes = (v2.MixUp, v2.CutMix)
    if any(isinstance(part, mixes) for part in getattr(transform, "transforms", ())):
        made, _ = transform(batch, torch.arange(len(images)) % 10)
    else:
        made = torch.stack([transform(image) for image in batch])
    return made.permute(0, 2, 3, 1).contiguous().numpy()


def kornia_ways() -> dict[str, Any]:
    """By the names of ops."""
    import kornia.augmentation as K

    return {
        "rotate": K.RandomRotation(30.0, p=1),
        "shift": K.RandomAffine(0.0, (0.3, 0.3), p=1),
        "shear": K.RandomAffine(0.0, shear=30.0, p=1),
        "perspective": K.RandomPerspective(0.5, p=1),
        "elastic": K.RandomElasticTransform((25, 25), (4.0, 4.0), (2.0, 2.0), p=1),
        "flip": K.RandomHorizontalFlip(p=1),
        "flipud": K.RandomVerticalFlip(p=1),
        "crop": K.RandomCrop((32, 32), padding=4),
        "rrc": K.RandomResizedCrop((32, 32)),
        "erase": K.RandomErasing((0.02, 0.4), (0.3, 3.3), p=1),
        "brightness": K.ColorJiggle(brightness=0.4, p=1),
        "contrast": K.ColorJiggle(contrast=0.4, p=1),
        "saturation": K.ColorJiggle(saturation=0.4, p=1),
        "hue": K.ColorJiggle(hue=0.1, p=1),
        "colorjitter": K.ColorJiggle(0.4, 0.4, 0.4, 0.1, p=1),
        "invert": K.RandomInvert(p=1),
        "equalize": K.RandomEqualize(p=1),
        "posterize": K.RandomPosterize(4, p=1),
        "solarize": K.RandomSolarize(0.0, 0.0, p=1),
        "gray": K.RandomGrayscale(p=1),
        "blur": K.RandomGaussianBlur((13, 13), (0.1, 2.0), p=1),
        "noise": K.RandomGaussianNoise(0, 5 / 255, p=1),
        "saltpepper": K.RandomSaltAndPepperNoise((0.01, 0.06), p=1),
        "normalize": K.Normalize(torch.tensor(_MEAN), torch.tensor(_STD)),
    }


def kornia_made(transform: Any, images: np.ndarray) -> np.ndarray:
    """A batch at once, as levels again, or as floats from `Normalize`."""
    floats = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    made = transform(floats).permute(0, 2, 3, 1)
    if type(transform).__name__ == "Normalize":
        return made.contiguous().numpy()
    return (made * 255).byte().contiguous().numpy()
