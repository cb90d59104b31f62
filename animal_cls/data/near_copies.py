"""Which images show the same photograph though their files differ: re-encoded, resized, brightened, cut or mirrored.

Two images are near copies if their perceptual hashes differ in at most 10 of 64 bits and their grey pixels, 32 x 32,
correlate by at least 0.85. Of 480 photographs of Animals-10, changed in 17 ways, were found:

    JPEG quality 20, a third or twice the size, 20 % brighter or darker, 30 % more contrast, grey, mirrored: 100 %
    2 % of the sides cut off: 100 %; 5 %: 98 % around the middle, 80 % anywhere; 10 %: 44 %
    turned by 2 degrees: 93 %; a bar painted in: 83 %; a white border of 2 %: 43 %

Among 1,920 files of it that are not equal, 17 pairs are found, and all 17 do show one photograph. Of 31 million pairs
of an image and a changed other one, one is found (two butterflies on white, wings spread), by the hash alone 50.
Images of less than MIN_SIDE pixels are not compared: they hold too little to tell different ones apart. Of 20,000 of
CIFAR-10, 32 x 32, 136 groups would be found, and in three of them lie an aeroplane and a deer, an aeroplane and a
ship, a cat and a dog.
`python -m benchmarks.near_copies FOLDER` measures it again.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

SIDE = 32  # pixels: the size that is compared, whatever the network is given
MIN_SIDE = 64  # pixels of the shorter side, below which an image is not compared
MAX_BITS = 10  # of 64 in which the hashes may differ
MIN_CORRELATION = 0.85  # of the grey pixels
FLAT = 3.0  # of 255: less contrast than this is noise, and the hash of noise says nothing
BLOCK_BYTES = 64 * 2**20  # of hash differences that are held at once
PAIRS_AT_ONCE = 8192  # that are compared pixel by pixel

Pairs = tuple[np.ndarray, np.ndarray]  # (P,) and (P,) indices


def groups(pixels: np.ndarray) -> np.ndarray:
    """Who is a near copy of whom: (N,) int64, for each image the first image of its group, often itself.

    What is a near copy of a near copy is in the same group. Blank images are near copies of none.

    Args:
        pixels: (N, SIDE, SIDE, 3) uint8. Another order of the same images may, rarely, make other groups.
    """
    first = np.arange(len(pixels))
    shown = np.flatnonzero(~blank(pixels))
    if len(shown) > 1:
        first[shown] = shown[_groups(_grey(pixels[shown]))]
    return first


def blank(pixels: np.ndarray) -> np.ndarray:
    """Which images are of one colour, or nearly: (N,) bool, for (N, H, W, 3) uint8."""
    return np.array([image.std(axis=(0, 1)).max() < FLAT for image in pixels], dtype=bool)


def _grey(pixels: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 -> (N, H, W) uint8."""
    return np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in pixels])


def _groups(grey: np.ndarray) -> np.ndarray:
    """(N,) int64, the first image of each one's group; (N, SIDE, SIDE) uint8 -> (N,)."""
    first = np.arange(len(grey))
    hashes = _signs(grey)
    for others, theirs in ((grey, hashes), (grey[:, :, ::-1], _signs(grey[:, :, ::-1]))):  # as they are, and mirrored
        for pairs in _alike(hashes, theirs):
            first = _joined(first, pairs, grey, others)
    return first


def _signs(grey: np.ndarray) -> np.ndarray:
    """The perceptual hashes as (N, 64) float32 of -1 and 1, whose product counts equal bits less unequal ones."""
    import imagehash  # takes a moment, and few need it

    bits = np.stack([imagehash.phash(Image.fromarray(image)).hash.ravel() for image in grey])
    return np.where(bits, np.float32(1), np.float32(-1))


def _alike(hashes: np.ndarray, others: np.ndarray) -> Iterator[Pairs]:
    """The pairs i < j in which hash i differs from other j in few bits, block by block."""
    n, bits = hashes.shape
    rows = max(1, BLOCK_BYTES // (4 * n))
    for start in range(0, n, rows):
        agreement = hashes[start : start + rows] @ others[start:].T  # (rows, n - start): by far the fastest way
        i, j = np.nonzero(agreement >= bits - 2 * MAX_BITS)
        yield i[i < j] + start, j[i < j] + start


def _joined(first: np.ndarray, pairs: Pairs, grey: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`first` when those of `pairs` whose pixels are alike too are in one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    left = np.stack(pairs)  # (2, P)
    while True:
        left = left[:, first[left[0]] != first[left[1]]]  # where all images are alike, this leaves almost none
        if not left.size:
            return first
        (i, j), left = left[:, :PAIRS_AT_ONCE], left[:, PAIRS_AT_ONCE:]
        alike = (_normalised(grey[i]) * _normalised(others[j])).sum(axis=1) >= MIN_CORRELATION
        if alike.any():
            ends = np.concatenate([np.arange(len(first)), i[alike]]), np.concatenate([first, j[alike]])
            edges = coo_array((np.ones(len(ends[0])), ends), shape=(len(first), len(first)))
            group = connected_components(edges, directed=False)[1]
            first = np.unique(group, return_index=True)[1][group]


def _normalised(grey: np.ndarray) -> np.ndarray:
    """(P, H, W) uint8 -> (P, H * W) float32 of mean 0 and length 1, whose products are correlations."""
    flat = grey.reshape(len(grey), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)  # of equal greys: all 0
