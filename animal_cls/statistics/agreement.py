"""What can be said of two arms that agree on every image: not that they are equal, but how unlike they may be."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special


def none_of(n: int, alpha: float) -> float:
    """The largest share of which none is found among `n` with probability `alpha`: the upper end of Clopper & Pearson.

    About 3 / `n` for 5 %, the "rule of three". Clopper & Pearson, Biometrika 26 (1934) 404; Hanley & Lippman-Hand,
    Journal of the American Medical Association 249 (1983) 1743.
    """
    return -float(np.expm1(np.log(alpha) / n))


def half_width_of_agreement(n_seeds: int, n_images: int, *, alpha: float, weights: ArrayLike | None = None) -> float:
    """Half the width of the interval of level 1 - `alpha` for the mean difference of arms that agree in every cell.

    For values from 0 to 1, S seeds and N images. Nothing can be estimated from a table of zeros, but it bounds two
    shares (`none_of`): of images on which these networks disagree, by u = 1 - alpha**(1 / N), and of cells that
    disagree at random, by v = 1 - alpha**(1 / (S N)), which is then their variance at most. As in `half_width`, the
    seeds' part is what that rest alone makes it, with Student's quantile for S - 1 degrees of freedom:

        sqrt(u**2 + t**2 v / (S N)), and u with one seed, whose interval is over images only.

    With `weights` (N,) that sum to 1, all that disagree may be of the heaviest: it is N max(weights) times that.
    """
    share = none_of(n_images, alpha)
    cells = n_seeds * n_images
    t = float(-special.stdtrit(n_seeds - 1, alpha / 2)) if n_seeds > 1 else 0.0
    half = (share**2 + t**2 * none_of(cells, alpha) / cells) ** 0.5
    heaviest = 1.0 if weights is None else n_images * float(np.max(weights))
    return min(1.0, heaviest * half)
