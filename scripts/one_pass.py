"""Reads one epoch of the augmented sample and says what it was."""

import time

import tensorflow_datasets as tfds

import cifar10_aug

RECIPE = "rotate30+erase"


def main() -> None:
    train, info = tfds.load(
        f"cifar10_aug_sample/{RECIPE}",
        split="train",
        batch_size=128,
        shuffle_files=True,
        as_supervised=True,
        with_info=True,
    )
    start, images = time.perf_counter(), 0
    for batch, _ in train:
        images += len(batch)
    seconds = time.perf_counter() - start
    print(
        f"cifar10_aug {cifar10_aug.__version__}: one epoch of {info.full_name}: {images} images "
        f"of {batch.shape[1]} x {batch.shape[2]} pixels in {seconds:.2f} s, read from "
        f"{info.data_dir}"
    )


if __name__ == "__main__":
    main()
