"""How epochs are made while they are read."""

from __future__ import annotations

import dataclasses
import secrets

from cifar10_aug.data.slices import Slice
from cifar10_aug.data.spec import DatasetSpec
from cifar10_aug.engines import arguments
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.recipes.recipe import Config, Recipe
from cifar10_aug.rng import draws

ENGINES = ("eager", "graph")


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What is done to the examples of a dataset, and how.

    Attributes:
        recipe: for the dataset's images.
        seed: of the draws.
        augment_splits: the parts of the dataset that are augmented; see `slices.check`.
        execution: how registered functions run.
        options: how epochs are made.
    """

    recipe: Recipe
    seed: int
    augment_splits: tuple[str, ...]
    execution: Execution
    options: OnlineOptions

    @staticmethod
    def asked(
        config: Config,
        dataset: DatasetSpec,
        seed: int | None,
        augment_splits: tuple[str, ...],
        execution: Execution,
        options: OnlineOptions,
    ) -> Augmentation:
        """What a user asks for of a dataset; a seed of None is a fresh one.

        Raises:
            ValueError: if the seed is none.
        """
        seed = secrets.randbits(64) if seed is None else seed
        seed = arguments.checked("seed", seed, draws.SEED_LIMIT)
        return Augmentation(config.recipe.on(dataset), seed, augment_splits, execution, options)

    def of(self, augmented: bool) -> Recipe:
        """The recipe that examples get that are augmented, or others."""
        return self.recipe if augmented else self.recipe.clean

    def concerns(self, named: list[Slice]) -> bool:
        """Whether any of some slices is augmented."""
        return any(one.augmented for one in named)


@dataclasses.dataclass(frozen=True)
class OnlineOptions:
    """What a builder is told about it.

    Attributes:
        engine: "eager" (compiled loops, called from TensorFlow) or "graph" (TensorFlow alone).
        jit_compile: whether XLA compiles the graph.
        start_epoch: the number of the first epoch.
        start_step: how many batches of the first epoch are left out, and not computed.

    Raises:
        ValueError: if one of them is wrong.
    """

    engine: str = "eager"
    jit_compile: bool = False
    start_epoch: int = 0
    start_step: int = 0

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"engine is {self.engine!r}; give {' or '.join(ENGINES)}")
        if not isinstance(self.jit_compile, bool):
            raise ValueError(f"jit_compile is {self.jit_compile!r}; give True or False")
        if self.jit_compile and self.engine != "graph":
            raise ValueError("jit_compile is for engine='graph'; give both, or leave it out")
        arguments.checked("start_epoch", self.start_epoch, draws.EPOCH_LIMIT)
        arguments.checked("start_step", self.start_step, draws.EXAMPLE_LIMIT)

    def check(self, config: Config) -> None:
        """Compares the options with what a config asks for.

        Raises:
            RecipeError: if the config's recipe does not run with this engine.
            ValueError: if the options have no meaning for it.
        """
        if config.copies:
            for field in dataclasses.fields(self):
                if getattr(self, field.name) != field.default:
                    raise ValueError(
                        f"{field.name} is for epochs that are made while they are read; "
                        f"{config} is frozen: leave it out"
                    )
        elif self.engine == "graph":
            from cifar10_aug.engines.tensorflow import support

            frozen = f"freeze the recipe: {config.recipe}-x5"
            support.check(config.recipe.plan, f"leave engine='graph' out, or {frozen}")
