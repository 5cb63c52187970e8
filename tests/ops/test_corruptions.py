"""The corruptions of CIFAR-10-C against NumPy, SciPy and Pillow."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, stats

from cifar10_aug.ops.corruptions import CORRUPTIONS
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws

NAMES = [op.name for op in CORRUPTIONS]
SEVERITIES = range(1, 6)


@pytest.fixture(scope="module")
def images(sample_images: np.ndarray) -> np.ndarray:
    return sample_images[:60]


def grey(level: int, count: int = 40) -> np.ndarray:
    return np.full((count, 32, 32, 3), level, np.uint8)


def corrupted(kind: str, severity: int, images: np.ndarray) -> np.ndarray:
    return np.asarray(Recipe.parse(f"corrupt{kind}{severity}")(images), float)


def logged(kind: str, severity: int, count: int, name: str) -> np.ndarray:
    op = f"corrupt{kind}"
    return Recipe.parse(f"{op}{severity}").parameters(np.arange(count))[f"0.{op}.{name}"]


def assert_close(ours: np.ndarray, theirs: np.ndarray, most: float = 0.51) -> None:
    assert np.abs(ours - np.clip(theirs, 0, 255)).max() <= most


def words_of(number: int, blocks: int) -> np.ndarray:
    """The words of an example's noise, in epoch 0 and with seed 0, straight from Philox."""
    words = [
        draws.philox(*(np.uint64(v) for v in (number, 0, 0, 256 + block, 0, 0)))
        for block in range(blocks)
    ]
    return np.array(words).ravel().astype(np.int64)


def test_there_are_the_published_fifteen() -> None:
    assert [
        f"corrupt{kind}"
        for kind in (
            *("gaussiannoise", "shotnoise", "impulsenoise"),
            *("defocusblur", "glassblur", "motionblur", "zoomblur"),
            *("snow", "frost", "fog", "brightness"),
            *("contrast", "elastic", "pixelate", "jpeg"),
        )
    ] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_corruption_is_the_same_in_every_epoch(name: str, images: np.ndarray) -> None:
    recipe = Recipe.parse(f"{name}3")
    np.testing.assert_array_equal(recipe(images, epoch=5), recipe(images))
    assert (recipe(images) != images).any()


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n[7:] in ("gaussiannoise", "glassblur", "motionblur", "fog")]
)
def test_seeds_and_examples_have_their_own(name: str, images: np.ndarray) -> None:
    recipe, same = Recipe.parse(f"{name}5"), images[[0, 0]]
    first, second = recipe(same)
    assert (first != second).any()
    assert (recipe(same, seed=1)[0] != first).any()


@pytest.mark.parametrize("name", NAMES)
def test_severer_is_farther_from_the_image(name: str, images: np.ndarray) -> None:
    far = [
        np.abs(Recipe.parse(f"{name}{s}")(images).astype(float) - images).mean() for s in (1, 3, 5)
    ]
    if name[7:] not in ("elastic", "glassblur", "frost"):  # Nor do the published constants.
        assert far[0] < far[1] < far[2]
    assert min(far) > 0.2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 3), (33, 70)])
def test_other_sizes_work(name: str, height: int, width: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8)
    for severity in (1, 5):
        assert Recipe.parse(f"{name}{severity}")(images).shape == images.shape


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_noise(severity: int) -> None:
    sigma = 255 * (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    noise = corrupted("gaussiannoise", severity, grey(128)) - 128
    assert abs(noise.mean()) < 0.3
    assert noise.std() == pytest.approx(sigma, rel=0.01)
    assert stats.kstest(noise[0].ravel() + 0, stats.norm(0, sigma).cdf).statistic < 0.04


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("level", [0, 3, 100, 200])
def test_shot_noise(severity: int, level: int) -> None:
    photons = (500, 250, 100, 75, 50)[severity - 1]
    made = corrupted("shotnoise", severity, grey(level))
    expected = stats.poisson(level / 255 * photons)
    counts = np.arange(3 * photons)
    levels = np.floor(np.minimum(counts / photons, 1) * 255 + 0.5)
    assert set(np.unique(made).tolist()) <= set(levels.tolist())
    probability = expected.pmf(counts)
    mean = (levels * probability).sum()
    deviation = np.sqrt(((levels - mean) ** 2 * probability).sum())
    assert made.mean() == pytest.approx(mean, abs=5 * deviation / np.sqrt(made.size) + 1e-9)
    assert made.std() == pytest.approx(deviation, rel=0.03)
    # Channels and pixels are independent.
    if level:
        red, green = made[..., 0].ravel(), made[..., 1].ravel()
        assert abs(np.corrcoef(red, green)[0, 1]) < 0.03


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise(severity: int) -> None:
    amount = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    made = corrupted("impulsenoise", severity, grey(100))
    assert set(np.unique(made).tolist()) == {0, 100, 255}
    for level in (0, 255):
        found = int((made == level).sum())
        assert stats.binomtest(found, made.size, amount / 2).pvalue > 1e-4


@pytest.mark.parametrize("severity", SEVERITIES)
def test_defocus_blur(severity: int, images: np.ndarray) -> None:
    radius, sigma = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1]
    y, x = np.mgrid[-8:9, -8:9]
    disk = (x**2 + y**2 <= radius**2).astype(float)
    tap = np.exp(-0.5 / sigma**2)
    smoothing = np.array([tap, 1, tap]) / (1 + 2 * tap)
    kernel = ndimage.convolve1d(ndimage.convolve1d(disk / disk.sum(), smoothing, 0), smoothing, 1)
    theirs = ndimage.correlate(images.astype(float), kernel[None, :, :, None], mode="mirror")
    assert_close(corrupted("defocusblur", severity, images), theirs)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_motion_blur(severity: int, images: np.ndarray) -> None:
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    angles = np.radians(logged("motionblur", severity, 60, "degrees"))
    assert np.abs(angles).max() <= np.pi / 4
    made = corrupted("motionblur", severity, images)
    for image, angle, ours in zip(images, angles, made, strict=True):
        total, weights = np.zeros((32, 32, 3)), 0.0
        y, x = np.mgrid[:32, :32]
        for step in range(2 * radius + 1):
            weight = np.exp(-0.5 * (step / sigma) ** 2)
            right = int(np.ceil(step * np.cos(angle) - 0.5))
            down = int(np.ceil(step * np.sin(angle) - 0.5))
            total += weight * image[np.clip(y + down, 0, 31), np.clip(x + right, 0, 31)]
            weights += weight
        assert_close(ours, total / weights)


def test_motion_goes_all_ways_up_to_45_degrees() -> None:
    angles = logged("motionblur", 1, 20_000, "degrees")
    assert stats.kstest(angles, stats.uniform(-45, 90).cdf).pvalue > 0.001


@pytest.mark.parametrize("severity", SEVERITIES)
def test_glass_blur(severity: int) -> None:
    sigma, _, times = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))[
        severity - 1
    ]
    # An image whose levels say where they are from.
    y, x = np.mgrid[:32, :32]
    where = np.stack([8 * x, 8 * y, np.full((32, 32), 77)], axis=-1).astype(np.uint8)
    made = corrupted("glassblur", severity, np.stack([where] * 200))
    assert (np.abs(made[..., 2] - 77) <= 0.01).all()
    moved = made[:, 8:-8, 8:-8, :2] - where[8:-8, 8:-8, :2]
    if sigma == 0.05:  # No blur at all: pixels come from no or one step up, and to the left.
        assert set(np.unique(moved).tolist()) <= set((-8.0 * np.arange(20)).tolist())
    # A pixel takes the one half a step away on average, which has not been changed itself.
    assert moved.mean() == pytest.approx(-4 * times, abs=0.3 + (sigma > 0.05))
    # The first rows and columns, and nothing else, stay.
    edge = made[:, :2] if sigma == 0.05 else made[:, :1]
    assert np.abs(edge[..., 1] - where[: edge.shape[1], :, 1]).max() <= 4


def zoomed_as_published(layer: np.ndarray, factor: float) -> np.ndarray:
    """A square cropped about its middle, enlarged by SciPy, and trimmed to its size again."""
    size = len(layer)
    kept = int(np.ceil(size / factor))
    begin = (size - kept) // 2
    large = ndimage.zoom(layer[begin : begin + kept, begin : begin + kept], factor, order=1)
    begin = (len(large) - size) // 2
    return large[begin : begin + size, begin : begin + size]


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("size", [32, 21])
def test_zoom_blur(severity: int, size: int, images: np.ndarray) -> None:
    images = images[:20, :size, :size]
    factors = np.arange(1, (1.06, 1.11, 1.16, 1.21, 1.26)[severity - 1], 0.01)
    # By rounding, the ends are among the first two.
    assert len(factors) == (7, 12, 16, 21, 26)[severity - 1]
    layers = np.moveaxis(images, -1, 1).reshape(-1, size, size).astype(float)
    total = layers.copy()
    for factor in factors:
        total += [zoomed_as_published(layer, factor) for layer in layers]
    made = np.moveaxis(corrupted("zoomblur", severity, images), -1, 1).reshape(layers.shape)
    assert_close(made, total / (len(factors) + 1), most=1.01)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_snow(severity: int, images: np.ndarray) -> None:
    own = (0.95, 0.9, 0.9, 0.85, 0.8)[severity - 1]
    made = corrupted("snow", severity, images)
    grey_levels = images @ np.array([0.299, 0.587, 0.114])
    white = grey_levels[..., None] * 1.5 + 127.5
    whitened = own * images + (1 - own) * np.maximum(images, white)
    added = made - np.minimum(whitened, 255)
    assert added.min() > -1.1
    assert (added > 3).mean() > 0.002
    # The flakes are there twice: upside down, too, wherever no level is full.
    full = (made > 254) | (made[:, ::-1, ::-1] > 254)
    assert np.abs(added - added[:, ::-1, ::-1])[~full].max() <= 2.1
    angles = logged("snow", severity, 5000, "degrees")
    assert stats.kstest(angles, stats.uniform(-135, 90).cdf).pvalue > 0.001


@pytest.mark.parametrize("severity", SEVERITIES)
def test_snow_is_noise_enlarged_cut_off_and_moved(severity: int) -> None:
    mean, sigma, zoom, threshold, own, radius, deviation = (
        (0.1, 0.2, 1, 0.6, 0.95, 8, 3),
        (0.1, 0.2, 1, 0.5, 0.9, 10, 4),
        (0.15, 0.3, 1.75, 0.55, 0.9, 10, 4),
        (0.25, 0.3, 2.25, 0.6, 0.85, 12, 6),
        (0.3, 0.3, 1.25, 0.65, 0.8, 14, 12),
    )[severity - 1]
    angles = np.radians(logged("snow", severity, 4, "degrees"))
    made = corrupted("snow", severity, grey(40, 4))
    y, x = np.mgrid[:32, :32]
    for number in range(4):
        halves = words_of(number, 256)[: 32 * 32] >> 16
        noise = mean + sigma * stats.norm.ppf((halves + 0.5) / 65536).reshape(32, 32)
        at = [15.5 + (y - 15.5) / zoom, 15.5 + (x - 15.5) / zoom]
        flakes = ndimage.map_coordinates(noise, at, order=1, mode="nearest")
        flakes = np.where(flakes < threshold, 0, np.clip(flakes, 0, 1))
        weights = np.exp(-0.5 * (np.arange(2 * radius + 1) / deviation) ** 2)
        falling = np.zeros((32, 32))
        for step, weight in enumerate(weights / weights.sum()):
            right = int(np.ceil(step * np.cos(angles[number]) - 0.5))
            down = int(np.ceil(step * np.sin(angles[number]) - 0.5))
            falling += weight * flakes[np.clip(y + down, 0, 31), np.clip(x + right, 0, 31)]
        whitened = own * 40 + (1 - own) * max(40, 40 * 1.5 + 127.5)
        theirs = whitened + 255 * (falling + falling[::-1, ::-1])
        assert_close(made[number], np.stack([theirs] * 3, axis=-1))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_frost_keeps_the_published_shares(severity: int) -> None:
    own, ice = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    black, dark = (corrupted("frost", severity, grey(level, 30)) for level in (0, 80))
    assert_close(dark - black, np.full(dark.shape, own * 80), most=1.01)
    assert black.max() == pytest.approx(ice * 255, abs=1)
    assert black[..., 0].min() >= ice * 70 - 1
    assert (black[..., 2] >= black[..., 0] - 1).all()


@pytest.mark.parametrize("severity", SEVERITIES)
def test_fog(severity: int, images: np.ndarray) -> None:
    much, _ = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    made = corrupted("fog", severity, images)
    brightest = images.max(axis=(1, 2, 3), keepdims=True).astype(float)
    clouds = made * (brightest + 255 * much) / brightest - images
    # The same in all channels, from nothing to all of it.
    assert (clouds.max(axis=-1) - clouds.min(axis=-1)).max() <= 2 * (1 + much) * 1.2
    share = clouds.mean(axis=-1) / (255 * much)
    assert np.abs(share.min(axis=(1, 2))).max() < 0.03
    assert np.abs(share.max(axis=(1, 2)) - 1).max() < 0.03


def plasma(number: int, decay: float) -> np.ndarray:
    """Clouds by diamonds and squares on 32 by 32 places, by whole arrays, from 0 to 1."""
    noise = (words_of(number, 256)[: 32 * 32] / 2147483647.5 - 1).reshape(32, 32)
    heights = np.zeros((32, 32))
    step, bump = 32, 100.0
    while step > 1:
        half = step // 2
        corners, rough = heights[::step, ::step], bump**2 * noise
        both = corners + np.roll(corners, -1, 0)
        middles = (both + np.roll(both, -1, 1)) / 4 + rough[half::step, half::step]
        heights[half::step, half::step] = middles
        beside = corners + np.roll(corners, -1, 1) + middles + np.roll(middles, 1, 0)
        heights[::step, half::step] = beside / 4 + rough[::step, half::step]
        below = corners + np.roll(corners, -1, 0) + middles + np.roll(middles, 1, 1)
        heights[half::step, ::step] = below / 4 + rough[half::step, ::step]
        step, bump = half, bump / decay
    return (heights - heights.min()) / (heights.max() - heights.min())


@pytest.mark.parametrize("severity", SEVERITIES)
def test_fog_is_made_of_clouds_by_diamonds_and_squares(severity: int, images: np.ndarray) -> None:
    much, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    made = corrupted("fog", severity, images[:4])
    for number in range(4):
        image = images[number].astype(float)
        foggy = image + 255 * much * plasma(number, decay)[..., None]
        assert_close(made[number], foggy * image.max() / (image.max() + 255 * much))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_frost_is_white_at_the_middle_height_of_clouds(severity: int, images: np.ndarray) -> None:
    own, ice = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    made = corrupted("frost", severity, images[:4])
    for number in range(4):
        ridge = (1 - np.abs(2 * plasma(number, 2) - 1))[..., None] ** 2
        dark = np.array([70, 100, 130])
        theirs = own * images[number] + ice * (dark + (255 - dark) * ridge)
        assert_close(made[number], theirs)


def test_foggier_decay_makes_finer_clouds() -> None:
    def roughness(severity: int) -> float:
        made = corrupted("fog", severity, grey(255))[..., 0]
        made = (made - made.min()) / (made.max() - made.min())
        return float(np.abs(np.diff(made, axis=1)).mean())

    assert roughness(5) > 1.25 * roughness(1)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_brightness(severity: int, images: np.ndarray) -> None:
    added = 255 * (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]
    hsv = np.max(images, axis=-1, keepdims=True).astype(float)
    theirs = images * np.minimum(hsv + added, 255) / np.maximum(hsv, 1)
    assert_close(corrupted("brightness", severity, images), theirs)
    assert_close(corrupted("brightness", severity, grey(0, 1)), grey(0, 1) + added)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast(severity: int, images: np.ndarray) -> None:
    factor = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    mean = images.mean(axis=(1, 2), keepdims=True)
    assert_close(corrupted("contrast", severity, images), mean + factor * (images - mean))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_elastic_moves_three_points_and_displaces(severity: int, images: np.ndarray) -> None:
    alpha, sigma, reach = (
        (0, 0, 2.56),
        (1.6, 6.4, 2.24),
        (2.56, 1.92, 1.92),
        (3.2, 1.28, 1.6),
        (3.2, 0.96, 0.96),
    )[severity - 1]
    recipe = Recipe.parse(f"corruptelastic{severity}")
    log = recipe.parameters(np.arange(2000))
    before = np.array([(26, 26), (26, 6), (6, 6)], float)
    moved = np.stack([[log[f"0.corruptelastic.{axis}{k}"] for axis in "xy"] for k in (1, 2, 3)])
    for shift in (moved - before[..., None]).reshape(6, -1):
        assert stats.kstest(shift, stats.uniform(-reach, 2 * reach).cdf).pvalue > 0.001
    assert set(log["0.elastic.alpha"].tolist()) == {alpha}
    assert set(log["0.elastic.sigma"].tolist()) == {sigma}
    if severity > 1:
        return
    # Without displacement it is the affine map that takes the points where they are moved to.
    made = recipe(images)
    for i in range(len(images)):
        after = np.concatenate([moved[..., i], np.ones((3, 1))], axis=1)
        back = np.linalg.solve(after, before).T
        y, x = np.mgrid[:32, :32]
        at = back @ np.stack([x.ravel(), y.ravel(), np.ones(1024)])
        for channel in range(3):
            theirs = ndimage.map_coordinates(
                images[i, :, :, channel].astype(float), at[::-1], order=1, mode="mirror"
            )
            assert np.abs(made[i, :, :, channel].ravel() - theirs).max() <= 2


@pytest.mark.parametrize("severity", SEVERITIES)
def test_pixelate_is_pillows(severity: int, images: np.ndarray) -> None:
    side = int(32 * (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1])
    made = corrupted("pixelate", severity, images)
    for image, ours in zip(images, made, strict=True):
        small = Image.fromarray(image).resize((side, side), Image.Resampling.BOX)
        theirs = np.asarray(small.resize((32, 32), Image.Resampling.BOX)).astype(float)
        assert_close(ours, theirs, most=1)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_jpeg_is_pillows(severity: int, images: np.ndarray) -> None:
    quality = (80, 65, 58, 50, 40)[severity - 1]
    made = corrupted("jpeg", severity, images)
    for image, ours in zip(images, made, strict=True):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        np.testing.assert_array_equal(ours, np.asarray(Image.open(file)))
