"""The overrides of each job of a sweep: the product of its axes, and the arms of a plan that finds them itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf

from animal_cls.config.methods import STRENGTH, augment_section
from animal_cls.config.parse import config_folders
from animal_cls.errors import UserError
from animal_cls.sweeps.arms import Arm, Option, chosen, kind_of, on_the_menu

Plugins.instance()  # it imports Hydra's own plugins anew: a class that is built on the former one cannot be made
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # noqa: E402

ARMS = "arms"  # the axis of hydra.sweeper.params that names a plan of `arms.KINDS`
OWN_SWEEPER = f"{BasicSweeper.__module__}.{BasicSweeper.__name__}"


@dataclass(frozen=True, kw_only=True)
class JobWords:
    """What is typed for one job."""

    overrides: list[str]
    baseline: list[str] | None  # the overrides of the job that it is compared with; None: as a report chooses
    optional: bool  # where it cannot be, it is passed over


class PlanSweeper(BasicSweeper):
    """Hydra's own sweeper, for jobs that are no product of axes, too, and for those that a launcher is to start."""

    def sweep(self, arguments: list[str]) -> Any:
        assert self.config is not None
        assert self.hydra_context is not None
        ours = [one for one in self.hydra_context.callbacks.callbacks if hasattr(one, "launch_jobs")]
        if not any(one.is_launching for one in ours):
            return super().sweep(arguments)
        folder = Path(self.config.hydra.sweep.dir)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        for one in ours:
            one.launch_jobs(folder)
        return []

    def split_arguments(self, overrides: list[Override], max_batch_size: int | None) -> list[list[list[str]]]:  # type: ignore[override]  # there it is static
        assert self.config is not None
        jobs = [job.overrides for job in job_words(self.config)]
        return list(self.split_overrides_to_chunks(jobs, max_batch_size))


def install() -> None:
    """Let Hydra start the jobs of `job_words` from now on, where its own sweeper is to start them."""
    Plugins.instance().class_name_to_class[OWN_SWEEPER] = PlanSweeper


def job_words(config: DictConfig) -> list[JobWords]:
    """The jobs of a sweep, in the order in which they start.

    Raises:
        UserError, HydraException: an override that cannot be read, or a plan without the methods that it needs.
    """
    params = {str(key): str(value) for key, value in (config.hydra.sweeper.params or {}).items()}
    plan = params.pop(ARMS, None)
    task: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    words = parser.parse_overrides([*(f"{key}={value}" for key, value in params.items()), *task])
    if plan is None:
        return [JobWords(overrides=overrides, baseline=None, optional=False) for overrides in _product(words)]
    options, arms = _arms(plan, words, config)
    jobs = [_product([*parser.parse_overrides(_own(arm)), *_kept(words, arm, options)]) for arm in arms]
    made = []
    for arm, found in zip(arms, jobs, strict=True):
        others = [] if arm.baseline is None else jobs[arm.baseline]
        optional = kind_of(plan).optional and bool(arm.options)
        made += [JobWords(overrides=job, baseline=_nearest(job, others), optional=optional) for job in found]
    return made


def _product(words: list[Override]) -> list[list[str]]:
    (batch,) = BasicSweeper.split_arguments(words, max_batch_size=None)
    return [list(overrides) for overrides in batch]


def _arms(plan: str, words: Sequence[Override], config: DictConfig) -> tuple[list[Option], list[Arm]]:
    """The methods that a plan is about, and its arms."""
    kind, sweep = kind_of(plan), f"sweep={config.hydra.runtime.choices.get('sweep') or plan}"
    names = _named(words, sweep)
    options = chosen(names, kind, sweep=sweep) if names or kind.fewest else on_the_menu(_shared(config))
    keys = {word.key_or_group for word in words}
    strong = {o.method for o in options if keys & {f"reg.{o.method}", f"reg.{o.method}.{STRENGTH}"}}
    return options, kind.arms(options, strong)


def _named(words: Sequence[Override], sweep: str) -> list[str]:
    """The options that `reg=` names; none where it is not there."""
    last = next((word for word in reversed(words) if word.key_or_group == "reg"), None)
    if last is None:
        return []
    if last.is_sweep_override():
        typed = str(last.input_line).partition("=")[2]
        raise UserError(f"{sweep} reg={typed}: makes the arms itself, of one list of methods: reg=[{typed}].")
    value = last.value()
    return [str(name) for name in (value if isinstance(value, list) else [value])]


def _shared(config: DictConfig) -> list[str]:
    """The methods that every arm has, by `data.augment`, which cannot be on twice."""
    augment = config.data.augment
    value = OmegaConf.to_container(augment) if OmegaConf.is_config(augment) else augment
    return list(augment_section(value, config_folders()))


def _own(arm: Arm) -> list[str]:
    return [f"reg={arm.choice}", *([arm.strength] if arm.strength else [])]


def _kept(words: Sequence[Override], arm: Arm, options: Sequence[Option]) -> list[Override]:
    """The words for all arms, and those for the methods that this one has."""
    off = {option.method for option in options} - {option.method for option in arm.options}
    return [word for word in words if word.key_or_group != "reg" and _method(word) not in off]


def _method(word: Override) -> str | None:
    """The method that an override is about: mixup of `reg.mixup.p=0.5`."""
    section, _, rest = word.key_or_group.partition(".")
    return rest.partition(".")[0] if section == "reg" and rest else None


def _nearest(overrides: Sequence[str], others: Sequence[list[str]]) -> list[str] | None:
    """The job that has most words in common with this one: the same seed, network and all else."""
    return max(others, key=lambda other: len(set(overrides) & set(other)), default=None)
