"""Plans that find their arms: which jobs they have, what each is compared with, and what they cannot be asked for."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from omegaconf import DictConfig

from animal_cls.config.methods import strength_of
from animal_cls.config.schema import method_names
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF
from animal_cls.regularizers import own_class
from animal_cls.sweeps import arms, callback, words
from animal_cls.sweeps.arms import on_the_menu

Program = Callable[..., "CompletedProcess[str]"]
Planned = Callable[..., dict[str, str | None]]

NONE = "reg=none"


@pytest.fixture
def planned(program: Program, monkeypatch: pytest.MonkeyPatch) -> Planned:
    """`planned("sweep=menu")`: the words of each job that this command line would start, and of its baseline."""

    def plan(*typed: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}

        def look(config: DictConfig) -> None:
            for job in words.job_words(config):
                found[shown(job.overrides)] = shown(job.baseline) if job.baseline else None
            raise UserError("seen enough")

        monkeypatch.setattr(callback, "planned_jobs", look)
        assert program(*typed).stderr == "seen enough\n"
        return found

    return plan


def shown(overrides: list[str]) -> str:
    return " ".join(word for word in overrides if not word.startswith("sweep="))


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder of option files: two methods of theirs, two of ours together, and one that only repeats ours."""
    reg = tmp_path_factory.mktemp("options") / "conf" / "reg"
    reg.mkdir(parents=True)
    (reg / "grey.yaml").write_text("grey:\n  _target_: mine.Grey\n  strength: 0.2\n")
    (reg / "flip_noise.yaml").write_text("flip_noise:\n  _target_: mine.FlipNoise\n  strength: 0.2\n")
    (reg / "both.yaml").write_text("mixup: 0.2\nema: 1.0\n")
    (reg / "chain.yaml").write_text("defaults: [mixup]\nema: 1.0\n")
    (reg / "my_mixup.yaml").write_text("mixup: 0.7\n")
    return reg.parent


def test_the_menu_is_every_method_once_at_the_first_value_of_its_card(
    program: Program, options: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arms, "config_folders", lambda: (options, CONF))
    found = {option.method: option for option in on_the_menu(shared=["mixup"])}
    assert sorted(found) == sorted({*method_names(), "grey", "flip_noise"} - {"flip_crop", "mixup"})
    for name in found.keys() - {"grey", "flip_noise"}:
        card = own_class(name).card
        assert card is not None
        assert strength_of(found[name].value) == card.values[0], name
    assert on_the_menu(shared=[*found])[0].name == "mixup", "not my_mixup"


def test_the_menu_is_none_and_each_method_by_itself(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "on_the_menu", lambda shared: on_the_menu(shared)[:2] if shared == ["crop"] else [])
    jobs = planned("sweep=menu", "seed=1", "data.augment=crop")
    first, second = (f"reg={option.name}" for option in on_the_menu([])[:2])
    rest = "seed=1 data.augment=crop"
    assert jobs == {
        f"{NONE} {rest}": None,
        f"{first} {rest}": f"{NONE} {rest}",
        f"{second} {rest}": f"{NONE} {rest}",
    }
    assert list(planned("sweep=menu", "reg=[l2,flip]")) == [NONE, "reg=l2", "reg=flip"]


def test_strengths_are_those_of_the_card(planned: Planned) -> None:
    values = {name: own_class(name).card.values for name in ("mixup", "ema")}  # type: ignore[union-attr]
    jobs = planned("sweep=strengths", "reg=[mixup,ema]", "seed=0,1")
    made = [NONE, *(f"reg=mixup reg.mixup.strength={value:g}" for value in values["mixup"])]
    made += [f"reg=ema reg.ema={value:g}" for value in values["ema"]]
    assert list(jobs) == [f"{arm} seed={seed}" for arm in made for seed in (0, 1)]
    assert jobs == {
        f"{arm} seed={seed}": None if arm == NONE else f"{NONE} seed={seed}" for arm in made for seed in (0, 1)
    }


def test_strengths_that_are_given_and_options_are_for_the_arms_that_have_the_method(planned: Planned) -> None:
    assert list(planned("sweep=strengths", "reg=mixup", "reg.mixup.strength=0.3,0.6", "reg.mixup.p=0.5")) == [
        NONE,
        "reg=mixup reg.mixup.strength=0.3 reg.mixup.p=0.5",
        "reg=mixup reg.mixup.strength=0.6 reg.mixup.p=0.5",
    ]


def test_leaving_one_out_is_compared_with_all_of_the_same_seed_and_network(planned: Planned) -> None:
    jobs = planned("sweep=leave_one_out", "reg=[flip,l2,mixup]", "reg.flip=0.3", "seed=0,1")
    together = "reg=[flip,l2,mixup] reg.flip=0.3"
    assert {name: other for name, other in jobs.items() if name.endswith("seed=1")} == {
        f"{NONE} seed=1": None,
        f"{together} seed=1": f"{NONE} seed=1",
        "reg=[l2,mixup] seed=1": f"{together} seed=1",
        "reg=[flip,mixup] reg.flip=0.3 seed=1": f"{together} seed=1",
        "reg=[flip,l2] reg.flip=0.3 seed=1": f"{together} seed=1",
    }


def test_a_stack_is_compared_step_by_step(planned: Planned) -> None:
    jobs = planned("sweep=stack", "reg=[flip,l2,mixup]", "model=simple_cnn")
    assert jobs == {
        f"{NONE} model=simple_cnn": None,
        "reg=flip model=simple_cnn": f"{NONE} model=simple_cnn",
        "reg=[flip,l2] model=simple_cnn": "reg=flip model=simple_cnn",
        "reg=[flip,l2,mixup] model=simple_cnn": "reg=[flip,l2] model=simple_cnn",
    }


def test_a_plan_of_ones_own_names_its_methods(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    params = "{arms: stack, reg: '[flip,l2]', seed: '0,1'}"
    (tmp_path / "conf" / "sweep" / "mine.yaml").write_text(
        f"# @package _global_\nhydra: {{mode: MULTIRUN, sweeper: {{params: {params}}}}}\n"
    )
    regs = [NONE, "reg=flip", "reg=[flip,l2]"]
    jobs = planned("--config-dir", "conf", "sweep=mine")
    assert list(jobs) == [f"{reg} seed={seed}" for reg in regs for seed in (0, 1)]
    assert list(planned("--config-dir", "conf", "sweep=mine", "reg=[l2,ema]", "seed=3"))[2] == "reg=[l2,ema] seed=3"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (("sweep=leave_one_out",), "sweep=leave_one_out: needs at least two methods. Name them: reg=[flip,crop,mixup,"),
        (("sweep=stack", "reg=flip"), "sweep=stack: needs at least two methods, and has reg=[flip]. Name them: reg=["),
        (("sweep=strengths",), "sweep=strengths: needs a method. Name them: reg=mixup."),
        (
            ("sweep=strengths", "reg=none"),
            "sweep=strengths reg=[none]: none turns on no single method. Name options",
        ),
        (
            ("sweep=stack", "reg=flip,l2"),
            "sweep=stack reg=flip,l2: makes the arms itself, of one list of methods: reg",
        ),
        (("sweep=stack", "reg=[flip,mixpu]"), "reg=mixpu: no such option. Did you mean mixup?"),
        (("sweep=stack", "reg=[l2,l2]"), "sweep=stack reg=[l2,l2]: l2 and l2 are the same method. Name each once."),
        (
            ("sweep=menu", "hydra.sweeper.params.arms=stak"),
            "hydra.sweeper.params.arms=stak: no such plan. Did you mean stack? Plans: menu, strengths, leave_one_out, ",
        ),
        (("sweep=menu", "hydra.sweeper._target_=x.Y"), "hydra/sweeper: a plan that finds its arms needs Hydra's own."),
        (("sweep=stacks",), "sweep=stacks: no such option. Did you mean stack?"),
    ],
)
def test_what_cannot_be_asked_for_is_one_message(typed: tuple[str, ...], message: str, program: Program) -> None:
    outcome = program(*typed)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(message)
    assert outcome.stderr.count("\n") == 1
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("both", "sweep=stack reg=[both,l2]: both turns on no single method. "),
        ("my_mixup,mixup", "sweep=stack reg=[my_mixup,mixup,l2]: my_mixup and mixup are the same method. "),
    ],
)
def test_an_option_of_several_methods_is_no_step(names: str, message: str, options: Path, program: Program) -> None:
    outcome = program("--config-dir", str(options), "sweep=stack", f"reg=[{names},l2]")
    assert outcome.stderr.startswith(message)


def test_a_method_without_a_card_needs_its_strengths(options: Path, program: Program, planned: Planned) -> None:
    typed = ("--config-dir", str(options), "sweep=strengths", "reg=grey")
    assert program(*typed).stderr == (
        "reg=grey: has no card with values to try. Give them: reg.grey.strength=0.1,0.2,0.4.\n"
    )
    assert list(planned(*typed, "reg.grey.strength=0.1,0.5"))[2] == "reg=grey reg.grey.strength=0.5"
