import pytest

from cifar10_aug.engines.plan import Pass, plan
from cifar10_aug.recipe import Recipe
from tests.registering import registered


def shape_of(text: str) -> list[tuple[list[int], int, bool] | list[int]]:
    """For each pass: the ops in each leg, the strokes, and whether it only copies.

    For functions of users: their positions.
    """
    return [
        ([len(leg.steps) for leg in made.legs], len(made.strokes), made.lattice)
        if isinstance(made, Pass)
        else [step.position for step in made.steps]
        for made in plan(Recipe.parse(text).ops)
    ]


def passes_of(text: str) -> list[Pass]:
    return [made for made in plan(Recipe.parse(text).ops) if isinstance(made, Pass)]


def test_plain_is_one_pass_that_copies() -> None:
    assert shape_of("plain") == [([], 0, True)]


def test_neighbouring_geometric_ops_are_one_map() -> None:
    assert shape_of("rotate+shift+shear+zoom+flip+rotate") == [([6], 0, False)]


def test_flips_join_any_border() -> None:
    assert shape_of("flip+crop4+flipud") == [([3], 0, True)]
    assert shape_of("flip+rotate_fillmodereflect") == [([2], 0, False)]


def test_borders_that_differ_share_one_resampling() -> None:
    assert shape_of("rotate+crop4+rotate_fillmodereflect") == [([1, 1, 1], 0, False)]


def test_a_box_ends_a_pass_only_if_geometry_follows() -> None:
    assert shape_of("rotate+erase+erase") == [([1], 2, False)]
    assert shape_of("erase+rotate+erase") == [([], 1, True), ([1], 1, False)]


def test_value_range_ops_make_no_pass() -> None:
    assert shape_of("rotate+normalize+flip") == [([2], 0, False)]


def test_positions_are_those_in_the_recipe() -> None:
    first, second = passes_of("flip+erase+rescale+rotate")
    assert [step.position for leg in first.legs for step in leg.steps] == [0]
    assert [step.position for step in first.strokes] == [1]
    assert [step.position for leg in second.legs for step in leg.steps] == [3]


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("mine", [([], 0, True), [0]]),
        ("flip+mine+theirs", [([1], 0, True), [1, 2]]),
        ("mine+rotate+theirs", [([], 0, True), [0], ([1], 0, False), [2]]),
        ("mine+rescale", [([], 0, True), [0], ([], 0, True)]),
        ("rescale+mine+erase", [([], 0, True), [1], ([], 1, True)]),
        ("mine+erase+rotate", [([], 0, True), [0], ([], 1, True), ([1], 0, False)]),
    ],
)
def test_functions_stand_between_passes(text: str, stages: list) -> None:
    with registered(mine=lambda image, rng: image, theirs=lambda image, rng: image):
        assert shape_of(text) == stages
