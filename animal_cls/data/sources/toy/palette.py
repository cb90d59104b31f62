"""Colours: what animals and landscapes are painted with, as (red, green, blue) from 0 to 255."""

from numpy.random import Generator

Colour = tuple[int, int, int]

INK: Colour = (38, 30, 28)
WHITE: Colour = (246, 243, 236)
PINK: Colour = (232, 160, 152)

FURS: dict[str, Colour] = {  # coats that cats, dogs, cows and horses share
    "black": (58, 54, 56),
    "chocolate": (98, 66, 48),
    "chestnut": (148, 86, 50),
    "ginger": (212, 136, 68),
    "fawn": (214, 176, 126),
    "cream": (236, 218, 184),
    "white": WHITE,
    "grey": (142, 142, 146),
    "slate": (100, 106, 118),
}


def fur(rng: Generator, *names: str) -> Colour:
    """One of the named furs, a little lighter, darker or warmer than its name says."""
    return jitter(FURS[names[rng.integers(len(names))]], rng, spread=16)


def jitter(colour: Colour, rng: Generator, *, spread: float) -> Colour:
    """The colour with its brightness moved by up to `spread`, and each channel by up to half of that."""
    brightness = rng.uniform(-spread, spread)
    red, green, blue = (clip(c + brightness + rng.uniform(-spread, spread) / 2) for c in colour)
    return red, green, blue


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour on the way from a (share 0) to b (share 1)."""
    red, green, blue = (clip(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def darker(colour: Colour, share: float = 0.2) -> Colour:
    """The colour in shadow: `share` of its light is taken away."""
    return mix(colour, INK, share)


def lighter(colour: Colour, share: float = 0.3) -> Colour:
    """The colour in the sun: mixed with `share` white."""
    return mix(colour, WHITE, share)


def vivid(rng: Generator) -> Colour:
    """A saturated colour of any hue, as flowers, wings, balls and painted doors have."""
    hue, low = rng.uniform(0, 6), rng.uniform(30, 90)
    red, green, blue = (clip(low + (238 - low) * min(max(abs((hue + s) % 6 - 3) - 1, 0), 1)) for s in (0, 4, 2))
    return red, green, blue


def clip(channel: float) -> int:
    """The channel as a whole number from 0 to 255."""
    return int(min(max(round(channel), 0), 255))
