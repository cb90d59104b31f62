"""Mirroring and cutting out, against Pillow and against images whose outcome is known by mathematics."""

import math
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.flip_crop import AREA, PADDING, RATIO, FlipCrop, crop_boxes, flip_crop, grid

N, SIDE = 2000, 16
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
HALF_AREA_SQUARE = (0.5 - AREA[0]) / (AREA[1] - AREA[0])  # the draw that cuts out half of the image


def random_images(n: int, *, height: int = SIDE, width: int = SIDE) -> Tensor:
    values = np.random.default_rng(1).integers(0, 256, size=(n, 3, height, width))
    return torch.from_numpy(values).float()


def ramps(n: int) -> Tensor:
    """Images whose first channel is each pixel's x, and whose second is its y."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return torch.stack([x, y, torch.full_like(x, 7)]).float().expand(n, 3, SIDE, SIDE)


def boxes(keys: np.ndarray, *, seed: int, epoch: int, strength: float = 1.0) -> Tensor:
    """The affine maps (N, 2, 3) of images in an epoch, as the data module draws them."""
    method = FlipCrop(strength)
    return method.sample(rng.uniform(keys, seed=seed, epoch=epoch, draws=method.draws, stream=stream_of(method)))


def fixed_boxes(draws: np.ndarray) -> Tensor:
    """The maps of images that draw these five numbers each: mirror, area, shape, left, top."""
    return torch.from_numpy(crop_boxes(draws))


@pytest.mark.parametrize("place", [0.0, 0.3, 1 - 1e-9])
def test_the_whole_image_stays_as_it_is(place: float) -> None:
    whole = np.array([[0.9, 1 - 1e-12, 0.5, place, place], [0.1, 1 - 1e-12, 0.5, place, place]])
    images = random_images(2)
    changed = flip_crop(images, fixed_boxes(whole))
    torch.testing.assert_close(changed[0], images[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(changed[1], images[1].flip(-1), atol=1e-3, rtol=0)


def test_flip_crop_equals_pillow() -> None:
    height, width = 20, 30
    images = random_images(50, height=height, width=width)
    draws = np.random.default_rng(2).random((50, 5))
    changed = flip_crop(images, fixed_boxes(draws))
    for image, (mirror, area, shape, left, top), result in zip(images, draws, changed, strict=True):
        share = AREA[0] + (AREA[1] - AREA[0]) * area
        ratio = RATIO[0] * (RATIO[1] / RATIO[0]) ** shape
        w, h = min(math.sqrt(share * ratio), 1) * width, min(math.sqrt(share / ratio), 1) * height
        x, y = left * (width - w), top * (height - h)
        box = (x + w, y, x, y + h) if mirror < 0.5 else (x, y, x + w, y + h)
        for channel, found in zip(image, result, strict=True):
            image = Image.fromarray(channel.numpy())
            expected = image.transform((width, height), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
            np.testing.assert_allclose(found, np.asarray(expected), atol=5e-3)


def measured(*, seed: int, epoch: int) -> dict[str, np.ndarray]:
    """What was cut out of each image, (N,) each, read off the ramps: shares of the side, for places of the room."""
    changed = flip_crop(ramps(N), boxes(KEYS, seed=seed, epoch=epoch)).double().numpy()
    inner = slice(SIDE // 4, -SIDE // 4)  # no part that is cut out ends here
    x, y = changed[:, 0, :, inner], changed[:, 1, inner, :]  # x grows along each row, y down each column
    slope_x, slope_y = np.diff(x, axis=2).mean(axis=(1, 2)), np.diff(y, axis=1).mean(axis=(1, 2))
    np.testing.assert_allclose(np.diff(x, axis=2), np.broadcast_to(slope_x[:, None, None], (N, SIDE, 7)), atol=1e-4)
    np.testing.assert_allclose(changed[:, 2], 7, atol=1e-4)
    width, height = np.abs(slope_x), slope_y
    middle_x, middle_y = (x.mean(axis=(1, 2)) + 0.5) / SIDE, (y.mean(axis=(1, 2)) + 0.5) / SIDE
    with np.errstate(divide="ignore", invalid="ignore"):
        left, top = (middle_x - width / 2) / (1 - width), (middle_y - height / 2) / (1 - height)
    return {"mirrored": slope_x < 0, "width": width, "height": height, "left": left, "top": top}


def test_parts_have_the_stated_areas_ratios_and_places() -> None:
    part = measured(seed=0, epoch=0)
    area, ratio = part["width"] * part["height"], part["width"] / part["height"]
    assert area.min() == pytest.approx(AREA[0], abs=0.01)
    assert 0.95 < area.max() < 1 + 1e-4
    assert ratio.min() == pytest.approx(RATIO[0], abs=0.01)
    assert ratio.max() == pytest.approx(RATIO[1], abs=0.01)
    assert max(part["width"].max(), part["height"].max()) < 1 + 1e-4
    assert abs(np.log(ratio).mean()) < 5 * np.log(ratio).std() / math.sqrt(N)  # as often upright as across
    for side, place in (("width", "left"), ("height", "top")):
        places = part[place][part[side] < 0.9]  # where there is room to tell
        assert -1e-3 < places.min() < 0.01
        assert 0.99 < places.max() < 1 + 1e-3
        assert abs(places.mean() - 0.5) < 5 / math.sqrt(12 * len(places))


def test_half_of_the_images_are_mirrored_in_every_epoch() -> None:
    shares = [measured(seed=3, epoch=epoch)["mirrored"].mean() for epoch in range(3)]
    assert all(abs(share - 0.5) < 4 * 0.5 / math.sqrt(N) for share in shares), shares


def test_the_changes_are_independent_of_each_other_of_the_epoch_before_and_of_the_order() -> None:
    """The order matters: were it by the same number as the mirroring, only the first batches would be mirrored."""
    now, before = measured(seed=0, epoch=1), measured(seed=0, epoch=0)
    area = now["width"] * now["height"]
    room = (now["width"] < 0.95) & (now["height"] < 0.95)
    columns = {
        "place in the epoch": np.argsort(rng.order(KEYS, seed=0, epoch=1)),
        "mirrored": now["mirrored"],
        "mirrored before": before["mirrored"],
        "area": area,
        "width before": before["width"],
        "left": now["left"],
        "top": now["top"],
    }
    table = np.array([column[room] for column in columns.values()], dtype=float)
    correlation = np.corrcoef(table) - np.eye(len(columns))
    worst = np.unravel_index(np.abs(correlation).argmax(), correlation.shape)
    names = [list(columns)[k] for k in worst]
    assert np.abs(correlation).max() < 5 / math.sqrt(room.sum()), names


def test_an_image_is_changed_alike_whatever_the_others_are() -> None:
    images = random_images(40)
    whole = flip_crop(images, boxes(KEYS[:40], seed=5, epoch=2))
    some = np.random.default_rng(3).permutation(40)[:13]
    part = flip_crop(images[some], boxes(KEYS[some], seed=5, epoch=2))
    torch.testing.assert_close(part, whole[some], atol=1e-4, rtol=0)
    assert torch.equal(flip_crop(images, boxes(KEYS[:40], seed=5, epoch=2)), whole)


def test_every_epoch_and_seed_changes_anew() -> None:
    images = random_images(8)
    changed = [
        flip_crop(images, boxes(KEYS[:8], seed=seed, epoch=epoch)) for seed, epoch in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    for i, one in enumerate(changed):
        for other in changed[:i]:
            assert ((one - other).abs().amax(dim=(1, 2, 3)) > 1).all()


def test_the_outcome_is_channels_last_float_and_within_the_range_of_the_image() -> None:
    images = random_images(30).clamp(20, 230)
    before = images.clone()
    changed = flip_crop(images, boxes(KEYS[:30], seed=0, epoch=0))
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert changed.min() >= 20 - 1e-3
    assert changed.max() <= 230 + 1e-3
    assert torch.equal(images, before)


def test_boxes_by_hand() -> None:
    """A square of half the area, at the left and at the bottom; and its mirror image."""
    boxes = crop_boxes(np.array([[0.5, HALF_AREA_SQUARE, 0.5, 0.0, 1.0], [0.49, HALF_AREA_SQUARE, 0.5, 0.0, 1.0]]))
    side = math.sqrt(0.5)
    expected = [[side, 0, side - 1], [0, side, 1 - side]]
    np.testing.assert_allclose(boxes[0], expected, atol=1e-6)
    np.testing.assert_allclose(boxes[1], [[-side, 0, side - 1], expected[1]], atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 12), (1, 3)])
def test_the_grid_is_torchs_affine_grid(height: int, width: int) -> None:
    drawn = boxes(KEYS[:20], seed=3, epoch=1)
    reference = functional.affine_grid(drawn, [20, 3, height, width], align_corners=False)
    torch.testing.assert_close(grid(drawn, height=height, width=width), reference)


def test_at_strength_one_the_numbers_are_columns_of_the_orders_stream() -> None:
    """The first column is the order's; a number that follows the order would mirror the first batches only."""
    expected = crop_boxes(rng.uniform(KEYS, seed=4, epoch=2, draws=6)[:, 1:])
    np.testing.assert_array_equal(boxes(KEYS, seed=4, epoch=2), expected)


def test_the_strength_is_the_share_of_images_that_are_changed_at_all() -> None:
    some, every = (boxes(KEYS, seed=0, epoch=0, strength=strength) for strength in (0.3, 1.0))
    untouched = (some == torch.eye(2, 3)).flatten(1).all(dim=1)
    assert abs(untouched.double().mean() - 0.7) < 4 * math.sqrt(0.3 * 0.7 / N)
    assert torch.equal(some[~untouched], every[~untouched]), "those that are changed are changed as they were"
    images = random_images(N)
    changed, targets = FlipCrop(0.3).batch(images, torch.eye(2), some)
    torch.testing.assert_close(changed[untouched], images[untouched], atol=1e-3, rtol=0)
    assert ((changed - images)[~untouched].abs().amax(dim=(1, 2, 3)) > 1).all()
    assert torch.equal(targets, torch.eye(2))


def test_the_method_changes_a_batch_as_its_function_does() -> None:
    images, drawn = random_images(20), boxes(KEYS[:20], seed=0, epoch=0)
    assert torch.equal(FlipCrop(1.0).batch(images, torch.eye(2), drawn)[0], flip_crop(images, drawn))


@pytest.mark.parametrize("padding", PADDING.values())
def test_another_devices_padding_gives_the_same_images(padding: str) -> None:
    images = torch.rand(64, 3, 16, 16) * 255
    boxes = torch.from_numpy(crop_boxes(np.random.default_rng(0).random((64, 5))))
    where = grid(boxes, height=16, width=16)
    theirs = functional.grid_sample(images, where, mode="bilinear", padding_mode=padding, align_corners=False)
    torch.testing.assert_close(theirs, flip_crop(images, boxes), atol=5e-4, rtol=0)


@pytest.mark.parametrize("strength", [1.01, 3])
def test_a_probability_above_one_is_refused(strength: float) -> None:
    message = f"reg.flip_crop={strength}: a probability in [0, 1] is needed."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FlipCrop(strength)
