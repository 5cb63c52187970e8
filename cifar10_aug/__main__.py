"""`python -m cifar10_aug` is `cifar10-aug`."""

from cifar10_aug.cli import main

if __name__ == "__main__":
    main()
