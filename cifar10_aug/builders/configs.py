"""TFDS configs whose names are recipes."""

from __future__ import annotations

import dataclasses
import functools
import weakref
from collections.abc import Iterator, Mapping, Sequence

import tensorflow_datasets as tfds

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Config, Recipe


@dataclasses.dataclass(eq=False)
class RecipeConfig(tfds.core.BuilderConfig):
    """A config whose name is a recipe, or a recipe with a number of frozen epochs."""

    @functools.cached_property
    def parsed(self) -> Config:
        return Config.parse(self.name)

    @property
    def recipe(self) -> Recipe:
        return self.parsed.recipe

    @property
    def copies(self) -> int:
        """The number of frozen epochs; 0 if epochs are made while they are read."""
        return self.parsed.copies


class UnknownConfigError(RecipeError, KeyError):
    """A name that is no config: a `KeyError`, as mappings raise it, that says what is wrong."""

    # A `KeyError` shows its message in quotes.
    __str__ = RecipeError.__str__


class RecipeConfigs(Mapping[str, RecipeConfig]):
    """Every recipe is a config; iterating lists the presets.

    Looking up a name that is no recipe raises an `UnknownConfigError`.
    """

    def __init__(self, presets: Sequence[RecipeConfig]):
        self._presets = {config.name: config for config in presets}
        # TFDS compares configs by identity, so one that is in use is returned again.
        self._others: weakref.WeakValueDictionary[str, RecipeConfig] = weakref.WeakValueDictionary()

    def __getitem__(self, name: str) -> RecipeConfig:
        if name in self._presets:
            return self._presets[name]
        try:
            config = Config.parse(name)
        except RecipeError as error:
            raise UnknownConfigError(str(error)) from error
        spelled = str(config)
        if spelled in self._presets:
            return self._presets[spelled]
        known = self._others.get(spelled)
        # A name that has been registered anew means something else than before.
        if known is not None and known.recipe.ops == config.recipe.ops:
            return known
        made = RecipeConfig(name=spelled, description=_description(config))
        made.parsed = config
        self._others[spelled] = made
        return made

    def __iter__(self) -> Iterator[str]:
        yield from self._presets
        yield from (name for name in OPS if name not in self._presets)

    def __len__(self) -> int:
        return len({*self._presets, *OPS})


def _description(config: Config) -> str:
    if not config.copies:
        return f"The recipe {config}."
    return (
        f"{config.copies} frozen epochs of the recipe {config.recipe}, seed {config.seed}, one "
        "after the other."
    )
