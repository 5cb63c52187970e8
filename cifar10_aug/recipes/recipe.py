"""Recipes, and what config names ask for.

    config  := views [ "-x" COPIES [ "-s" SEED ] ]

The builder, the command line and Python all parse names here.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cifar10_aug.engines.plan import Plan
from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import Op
from cifar10_aug.recipes import views
from cifar10_aug.recipes.grammar import quote, spelled
from cifar10_aug.recipes.planning import DEFAULT_DATASET
from cifar10_aug.rng.draws import SEED_LIMIT

if TYPE_CHECKING:
    import numpy as np

    from cifar10_aug.data.spec import DatasetSpec

MOST_COPIES = 10_000

FROZEN = re.compile(r"(.*)-x([0-9]{1,9})(?:-s([0-9]{1,20}))?", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """An ordered list of ops, with the name that spells it.

    Calling it augments a batch of NumPy images. Two recipes are equal if their ops are.

        >>> import numpy as np
        >>> import cifar10_aug
        >>> recipe = cifar10_aug.Recipe.parse("rotate30+erase+rescale")
        >>> images = recipe(np.zeros((4, 32, 32, 3), np.uint8), ids=range(4), seed=7, epoch=3)
        >>> images.shape, images.dtype
        ((4, 32, 32, 3), dtype('float32'))
        >>> list(recipe.parameters(range(4), seed=7, epoch=3))[:2]
        ['0.rotate.degrees', '1.erase.top']

    Attributes:
        name: the normalised spelling; `Recipe.parse(recipe.name) == recipe`.
        ops: what it does, in order, presets spelled out; of several views, the ops of each view.
        dataset: whose mean, deviation and number of classes it uses.
        views: the recipe of each view of an example; empty if an example is one image.
    """

    name: str = dataclasses.field(compare=False)
    ops: tuple[Op, ...]
    dataset: DatasetSpec = dataclasses.field(default=DEFAULT_DATASET, compare=False, repr=False)
    views: tuple[Recipe, ...] = dataclasses.field(default=(), repr=False)

    @staticmethod
    def parse(name: str) -> Recipe:
        """The recipe that `name` spells.

        Raises:
            RecipeError: naming what was wrong, what is allowed and the closest match.
        """
        spelling, several = views.parse(name)
        recipes = [Recipe(*view) for view in several]
        return recipes[0] if len(recipes) == 1 else Recipe._of_views(spelling, recipes)

    @staticmethod
    def _of_views(name: str, recipes: Sequence[Recipe]) -> Recipe:
        ops = tuple(op for recipe in recipes for op in recipe.ops)
        return Recipe(name, ops, recipes[0].dataset, tuple(recipes))

    def __str__(self) -> str:
        return self.name

    def on(self, dataset: DatasetSpec) -> Recipe:
        """The same recipe for another dataset's images."""
        views = tuple(view.on(dataset) for view in self.views)
        return dataclasses.replace(self, dataset=dataset, views=views)

    @functools.cached_property
    def plan(self) -> Plan:
        """What engines run."""
        if self.views:
            return Plan.of_views(self.name, [view.plan for view in self.views])
        return Plan(self.name, self.ops, self.dataset)

    @property
    def runs_python(self) -> bool:
        """Whether a function of the user's is part of it."""
        return self.plan.runs_python

    @property
    def mixes(self) -> bool:
        """Whether examples are mixed with others."""
        return self.plan.mixes

    @property
    def softens(self) -> bool:
        """Whether labels are shares of classes, float32 [classes], on every split."""
        return self.plan.softens

    @property
    def clean(self) -> Recipe:
        """What splits get that are not augmented: the value-range ops alone, in as many views."""
        if self.views:
            one, count = self.views[0].clean, len(self.views)
            return Recipe._of_views(f"{one.name}-v{count}", [one] * count)
        kept = tuple(op for op in self.ops if op.value_range)
        return Recipe("+".join(spelled(op) for op in kept) or "plain", kept, self.dataset)

    @property
    def dtype(self) -> str:
        """The dtype of what comes out: "uint8", or "float32" after an op that sets the range."""
        return self.plan.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what an image of the dataset becomes, [height, width, 3] or [views, …]."""
        return self.plan.shape(*self.dataset.shape[:2])

    def __call__(
        self,
        images: np.ndarray,
        labels: Any = None,
        *,
        ids: Any = None,
        seed: int = 0,
        epoch: int = 0,
        view: int | None = None,
        partners: Any = None,
        n_jobs: int | None = None,
        backend: str | None = None,
    ) -> Any:
        """Augments a batch.

        Args:
            images: uint8 [batch, height, width, 3], or one image without the batch dimension.
            labels: handed back beside the images, if given: unchanged, but by ops that mix
                examples. Those take classes, whole numbers [batch], or shares of classes,
                [batch, classes].
            ids: the examples' numbers, [batch], integers or names such as "train_00042";
                0, 1, 2 … if not given. They decide, with seed and epoch, what is drawn; so
                without ids every batch draws the same. Give the examples' places in the whole
                data set, such as range(start, start + len(images)).
            seed: 0 to 2**64 - 1.
            epoch: 0 to 2**32 - 1.
            view: makes this view alone, 0 to 63; by default, all of them, or view 0 of a recipe
                that has no views.
            partners: (images, labels, ids) of the examples that mix ops draw partners from, as the
                slice of a split is for `tfds.load`; the batch itself if not given.
            n_jobs: workers for the functions that users have registered; None or -1 is one for
                each core.
            backend: where those run, "loky" (processes) or "threading"; None is as registered.

        Returns:
            Images of the same shape, uint8 or float32, alone or as (images, labels); of several
            views [batch, views, height, width, 3]. Labels of mixed examples are float32 [batch,
            classes].

        Raises:
            ValueError: if an argument has the wrong shape, dtype or range, or is a tensor of a
                graph, as in `Dataset.map`.
            PythonOpError: if a registered function fails.
        """
        from cifar10_aug.engines import arrays
        from cifar10_aug.engines.python.execution import Execution

        return arrays.augment(
            self.plan,
            images,
            labels,
            ids=ids,
            seed=seed,
            epoch=epoch,
            view=view,
            partners=partners,
            execution=Execution(n_jobs, backend),
        )

    def layer(
        self,
        *,
        seed: int = 0,
        value_range: tuple[float, float] = (0, 255),
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> Any:
        """A Keras layer that augments batches while a model trains; see `layers.RecipeLayer`.

        Args:
            seed: 0 to 2**64 - 1.
            value_range: of the images, (0, 255), or (0, 1) for floats, which come back in it.
            jit_compile: whether XLA compiles the layer.
            **kwargs: of any Keras layer, such as `name`, on which draws depend, too.

        Raises:
            RecipeError: if the recipe does not run inside a model.
            ValueError: if the seed or the range is wrong.
        """
        from cifar10_aug.recipes.layers import RecipeLayer

        return RecipeLayer(
            self.name, seed=seed, value_range=value_range, jit_compile=jit_compile, **kwargs
        )

    def parameters(
        self,
        ids: Any,
        *,
        seed: int = 0,
        epoch: int = 0,
        view: int | None = None,
        height: int | None = None,
        width: int | None = None,
        partners: Any = None,
    ) -> dict[str, np.ndarray]:
        """What the ops draw for some examples: the same that calling the recipe draws.

        Args:
            ids: the examples' numbers or names, [batch].
            seed, epoch, view: as for calling the recipe.
            height, width: of the images; by default those of the dataset's.
            partners: the numbers or names of the examples that mix ops draw partners from; by
                default those in `ids`.

        Returns:
            Arrays of shape [batch] by position, op and parameter, such as "0.rotate.degrees", of
            several views also by view, "view1.0.rotate.degrees", in the units that `cifar10-aug
            list` gives. Boxes have top, left, bottom and right, the
            last two excluded; partners have their number and their split. Registered functions draw
            for themselves, and have none.

        Raises:
            ValueError: if an argument has the wrong shape, dtype or range.
        """
        from cifar10_aug.engines import parameters

        height = self.dataset.shape[0] if height is None else height
        width = self.dataset.shape[1] if width is None else width
        return parameters.of(
            self.plan,
            ids,
            seed=seed,
            epoch=epoch,
            view=view,
            height=height,
            width=width,
            partners=partners,
        )


@dataclasses.dataclass(frozen=True)
class Config:
    """What a config name asks for: a recipe, run online or frozen into copies.

    Attributes:
        recipe: the recipe.
        copies: the number of frozen epochs; 0 is online.
        seed: the seed of the frozen epochs.
    """

    recipe: Recipe
    copies: int = 0
    seed: int = 0

    @staticmethod
    def parse(name: str) -> Config:
        """The config that `name` spells.

        Raises:
            RecipeError: as `Recipe.parse`, and for a wrong number of copies or seed.
        """
        frozen = FROZEN.fullmatch(name) if isinstance(name, str) else None
        if frozen is None:
            return Config(Recipe.parse(name))
        text, copies, seed = frozen[1], int(frozen[2]), int(frozen[3] or 0)
        if not 1 <= copies <= MOST_COPIES:
            raise RecipeError(f"-x{copies} in {quote(name)}: copies go from 1 to {MOST_COPIES}")
        if seed >= SEED_LIMIT:
            raise RecipeError(f"-s{seed} in {quote(name)}: seeds go from 0 to {SEED_LIMIT - 1}")
        if frozen[3] is not None and seed == 0:
            raise RecipeError(f"-s0 in {quote(name)}: 0 is the default seed; leave it out")
        return Config(Recipe.parse(text), copies, seed)

    def __str__(self) -> str:
        return config_name(self.recipe.name, self.copies, self.seed)


def config_name(recipe: str, copies: int, seed: int) -> str:
    """How a config is spelled; see `Config`."""
    return f"{recipe}{f'-x{copies}' if copies else ''}{f'-s{seed}' if seed else ''}"
