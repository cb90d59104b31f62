"""What tells the tables over several arms apart: their data sets, and what else is on; and what weighs against them."""

from collections.abc import Hashable, Sequence

from animal_cls.report.analysis.comparisons import failures
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import Flat, differences, root_of, shown, value_of

UNKNOWN = "unknown"  # of runs that recorded no fingerprint


def by_data(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
    """Data set in words -> the arms with finished runs on its images; "" where all saw the same ones.

    Equal file names are no equal images: only the fingerprint tells.
    """
    found: dict[str, list[Arm]] = {}
    for arm in (arm for arm in arms if arm.done):
        prints = (result.data_fingerprint for result in arm.results)
        found.setdefault(next((p for p in prints if p is not None), UNKNOWN), []).append(arm)
    return dict(zip(_words(found), found.values(), strict=True))


def _words(found: dict[str, list[Arm]]) -> list[str]:
    """As names of arms have it: the folder, where that is another one for each data set, else the fingerprint."""
    if len(found) < 2:
        return [""] * len(found)
    roots = [{root_of(result) for arm in some for result in arm.results} for some in found.values()]
    if all(len(some) == 1 for some in roots) and len(set.union(*roots) - {None}) == len(found):
        return [f"data.root={shown(root)}" for (root,) in roots]
    return [f"data={fingerprint[:8]}" for fingerprint in found]


def telling(configs: Sequence[Flat], alike: Sequence[Hashable]) -> list[str]:
    """For each config its values of the keys in which those with the same `alike` differ; "" for a single one."""
    groups: dict[Hashable, list[int]] = {}
    for k, group in enumerate(alike):
        groups.setdefault(group, []).append(k)
    told = {k: words for at in groups.values() for k, words in zip(at, _telling([configs[k] for k in at]), strict=True)}
    return [told[k] for k in range(len(configs))]


def _telling(configs: Sequence[Flat]) -> list[str]:
    words = _values(configs, [d.key for config in configs[1:] for d in differences(config, configs[0])])
    if len(set(words)) == len(configs):
        return words
    return _values(configs, [key for config in configs for key in config])  # also what only follows other keys


def _values(configs: Sequence[Flat], keys: Sequence[str]) -> list[str]:
    told = [key for key in dict.fromkeys(keys) if len({shown(value_of(config, key)) for config in configs}) > 1]
    found = [{key: value_of(config, key) for key in told} for config in configs]
    return [", ".join(f"{k}={shown(v)}" for k, v in values.items() if v is not None) for values in found]


def cautions(arms: Sequence[Arm]) -> dict[str, str]:
    """Arm -> why no fair comparison would have it beside the others: seeds that failed, another precision; or ""."""
    precisions = {arm.name: sorted({str(result.precision) for result in arm.results}) for arm in arms}
    differ = len({precision for some in precisions.values() for precision in some}) > 1
    return {
        arm.name: "; ".join(
            ([failures(arm)] if arm.failed else [])
            + ([f"precision of {arm.name}: {', '.join(precisions[arm.name])}"] if differ else [])
        )
        for arm in arms
    }
