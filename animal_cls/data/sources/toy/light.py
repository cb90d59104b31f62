"""Light: shades an animal to look round, drops its shadow, and lights, tints and grains the finished image."""

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter


def rounded(animal: Image.Image, *, direction: int, strength: float) -> Image.Image:
    """The RGBA cut-out lit from the upper left (direction -1) or right (1), dark along its lower side."""
    alpha = animal.getchannel("A")
    reach = max(3, max(animal.size) // 24)  # pixels over which the light falls off
    soft = np.asarray(alpha.filter(ImageFilter.BoxBlur(reach)).filter(ImageFilter.BoxBlur(reach)), dtype=np.int16)
    relief = np.roll(soft, (-reach, direction * reach), axis=(0, 1)) - np.roll(
        soft, (reach, -direction * reach), axis=(0, 1)
    )
    light = 1 + np.float32(strength) * relief.astype(np.float32) / np.float32(255)
    pixels = np.array(animal)
    pixels[..., :3] = np.clip(pixels[..., :3] * light[..., None], 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def cast_shadow(image: Image.Image, animal: Image.Image, corner: tuple[int, int], *, depth: float) -> None:
    """Darken the ground under the animal's feet, in place."""
    width, height = animal.size
    low = animal.getchannel("A").resize((width, max(2, height // 6)), Image.Resampling.BOX)
    shadow = Image.new("L", (width, height // 6 + 24))
    shadow.paste(low, (0, 8))
    shadow = shadow.filter(ImageFilter.BoxBlur(5)).point([round(i * depth) for i in range(256)])
    image.paste((20, 20, 24), (corner[0], corner[1] + height - height // 12 - 14), shadow)


def lit(image: Image.Image, rng: Generator, *, strength: float, grain: float) -> Image.Image:
    """The image under a light of its own: brightness, warmth, slanting fall-off, and noise of `grain` grey levels."""
    width, height = image.size
    slope_x, slope_y = rng.uniform(-strength, strength, size=2)
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    fall = np.float32(slope_x) * x[None, :] + np.float32(slope_y) * y[:, None]
    warmth = rng.uniform(-0.4, 0.4) * strength
    gain = np.float32(1 + rng.uniform(-strength, strength)) * np.array([1 + warmth, 1, 1 - warmth], dtype=np.float32)
    noise = (
        np.frombuffer(rng.bytes(width * height), dtype=np.uint8).reshape(height, width) / np.float32(127.5) - 1
    ) * np.float32(grain)
    pixels = np.asarray(image, dtype=np.float32) * (1 + fall)[..., None] * gain + noise[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
