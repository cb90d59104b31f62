"""What an arm over several folds or splits lacks, in words."""

from collections.abc import Iterator, Sequence

from animal_cls.files.text import plural
from animal_cls.results.arms.arm import Arm


def incomplete(arm: Arm) -> Iterator[str]:
    """In words: folds without a finished run, and folds with fewer seeds than others."""
    if arm.kind.startswith("split"):
        yield from _shared_test(arm)
    if not arm.kind or not arm.done:
        return
    planned = range(arm.n_folds or 0) if arm.kind == "fold" else ()
    if missing := [fold for fold in planned if fold not in arm.folds]:
        yield f"of {arm.n_folds} folds {folds_named(missing)} without a finished run: its numbers are over the others."
    counts = {fold: len(one.done) for fold, one in arm.folds.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{arm.kind} {fold} {plural(n, 'seed')}" for fold, n in counts.items())
        yield f"its {arm.kind}s have unequal numbers of seeds ({told}); each {arm.kind} counts alike."


def _shared_test(arm: Arm) -> Iterator[str]:
    """In words, where all splits have the same test images, which the source has brought."""
    told = [run.predictions.images for run in arm.done.values() if run.predictions is not None]
    tests = {frozenset(images.paths[k] for k in images.indices.get("test", ())) for images in told}
    if len(arm.folds) > 1 and len(tests) == 1 and tests != {frozenset()}:
        yield "its splits share their test images: its intervals speak of new training images, not of new test images."


def folds_named(folds: Sequence[int | str], kind: str = "fold") -> str:
    """`fold 1`, `folds 0, 2`, `no fold`."""
    return f"{kind}{'s' * (len(folds) > 1)} {', '.join(map(str, folds))}" if folds else f"no {kind}"
