from cifar10_aug.engines.plan import plan
from cifar10_aug.recipe import Recipe


def shape_of(text: str) -> list[tuple[list[int], int, bool]]:
    """For each pass: the ops in each leg, the boxes, and whether it only copies."""
    return [
        ([len(leg.steps) for leg in made.legs], len(made.boxes), made.lattice)
        for made in plan(Recipe.parse(text).ops)
    ]


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
    first, second = plan(Recipe.parse("flip+erase+rescale+rotate").ops)
    assert [step.position for leg in first.legs for step in leg.steps] == [0]
    assert [step.position for step in first.boxes] == [1]
    assert [step.position for leg in second.legs for step in leg.steps] == [3]
