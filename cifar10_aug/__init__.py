"""Augmented CIFAR-10 as a TensorFlow dataset: a recipe's name goes in, tf.data comes out."""

from cifar10_aug.recipe import Recipe
