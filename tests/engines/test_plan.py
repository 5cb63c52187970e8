import pytest

from cifar10_aug.engines.stages import Pass, Process, PythonCalls, Stage
from cifar10_aug.recipes.recipe import Recipe
from tests.registering import registered


def shape_of(text: str) -> list[tuple[list[int], int, bool] | list[int]]:
    """For each pass: the ops in each warp, the strokes, and whether it only copies.

    For functions of users: their positions.
    """
    return [
        ([len(warp.steps) for warp in made.warps], len(made.strokes), made.pixel_aligned)
        if isinstance(made, Pass)
        else [step.position for step in _python(made).steps]
        for made in Recipe.parse(text).plan.stages
    ]


def _python(made: Stage) -> PythonCalls:
    assert isinstance(made, PythonCalls)
    return made


def passes_of(text: str) -> list[Pass]:
    return [made for made in Recipe.parse(text).plan.stages if isinstance(made, Pass)]


def test_plain_is_one_pass_that_copies() -> None:
    assert shape_of("plain") == [([], 0, True)]


def test_neighbouring_geometric_ops_resample_once_and_keep_their_borders() -> None:
    assert shape_of("rotate+shift+shear+zoom+flip+rotate") == [([1, 1, 1, 2, 1], 0, False)]


def test_ops_of_which_an_example_does_one_are_one_map() -> None:
    assert shape_of("rotate-or-shift-or-zoom+flip") == [([4], 0, False)]
    assert shape_of("rotate-or-shift_fillmodereflect") == [([1, 1], 0, False)]


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
    assert [step.position for warp in first.warps for step in warp.steps] == [0]
    assert [step.position for (step,) in first.strokes] == [1]
    assert [step.position for warp in second.warps for step in warp.steps] == [3]


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
def test_functions_come_between_passes(text: str, stages: list) -> None:
    with registered(mine=lambda image, rng: image, theirs=lambda image, rng: image):
        assert shape_of(text) == stages


def kinds_of(text: str) -> list[str]:
    return [type(stage).__name__ for stage in Recipe.parse(text).plan.stages]


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("contrast", ["Pass", "Process", "Pass"]),
        ("rotate+contrast+hue+erase", ["Pass", "Process", "Process", "Pass"]),
        ("mixup", ["Pass", "Mix", "Pass"]),
        ("rotate+mixup+rotate+cutmix", ["Pass", "Mix", "Pass", "Mix", "Pass"]),
        ("augmix+flip", ["Pass", "Mixture", "Pass"]),
        ("mixup+mine", ["Pass", "Mix", "PythonCalls"]),
        ("mine+mixup", ["Pass", "PythonCalls", "Mix", "Pass"]),
    ],
)
def test_a_pass_reads_first_and_writes_last(text: str, stages: list[str]) -> None:
    with registered(mine=lambda image, rng: image):
        assert kinds_of(text) == stages


def test_the_geometry_that_a_policy_chooses_among_is_one_map() -> None:
    first, *_ = passes_of("rotate_fillmodeconstant+flip+randaugment1")
    assert [[step.op.name for step in warp.steps] for warp in first.warps] == [
        ["rotate", "flip"],
        ["shearx", "sheary", "translatex", "translatey", "rotate"],
    ]


def test_what_a_policy_paints_is_one_stroke() -> None:
    first, *_ = passes_of("trivialaugment")
    (steps,) = first.strokes
    assert [step.op.name for step in steps] == ["brightness", "posterize", "solarize"]


def test_warps_are_legs_of_the_same_pass() -> None:
    (made,) = passes_of("rotate+perspective+rotate+elastic+zoom")
    assert [len(warp.steps) for warp in made.warps] == [1, 1, 1, 1, 1]


def test_parts_of_an_op_have_their_own_words_or_share_them() -> None:
    def slots(text: str) -> list[tuple[int, int]]:
        return [
            (made.step.first_slot, made.step.slots)
            for made in Recipe.parse(text).plan.stages
            if isinstance(made, Process)
        ]

    assert slots("colorjitter") == [(1, 1), (2, 1), (3, 1)]
    assert set(slots("autoaugment")) == {(0, 5)}
    assert set(slots("randaugment_n2")) == {(0, 2), (2, 2)}
