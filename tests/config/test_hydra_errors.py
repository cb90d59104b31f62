"""What a user can get wrong: each mistake gets one message, without a traceback, and nothing is written over."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import torch
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from animal_cls.commands.train import compose
from animal_cls.config.hydra_errors import format_hydra_error, is_mistake
from animal_cls.config.schema import keys, method_names
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF
from animal_cls.training import build
from tests.folder_contents import contents

Program = Callable[..., "CompletedProcess[str]"]
ClassFolders = Callable[..., Path]

SMALL = ("data=folder", "data.image_size=64", "trainer.max_epochs=1", "trainer.accelerator=cpu")


def options(group: str) -> str:
    """The option files of a group, in words."""
    files = (CONF / group).rglob("*.yaml")
    return f"Options: {', '.join(sorted(path.relative_to(CONF / group).with_suffix('').as_posix() for path in files))}."


def argument_keys(group: str) -> str:
    """The arguments that the option files of a group set, in words."""
    lines = [line for path in (CONF / group).glob("*.yaml") for line in path.read_text().splitlines()]
    names = {line.partition(":")[0] for line in lines if re.match("[a-z]", line)} - {"name"}
    return f"Keys of the options in {group}/: {', '.join(f'{group}.{name}' for name in sorted(names))}."


def of_others(key: str) -> str:
    """What is said of a key that only other options of its group have."""
    group, _, name = key.partition(".")
    files = {path.stem: path.read_text() for path in sorted((CONF / group).glob("*.yaml"))}
    having = [f"{group}={option}" for option, text in files.items() if re.search(rf"^{name}:", text, re.MULTILINE)]
    return f"{key}: the chosen option of {group} has no such key. These have it: {', '.join(having)}."


def keys_of(section: str) -> str:
    names = [name.rpartition(".")[2] for name in keys() if name.rpartition(".")[0] == section]
    return f"Keys {f'of {section}' if section else 'at the top'}: {', '.join(names)}."


def no_method(key: str, guess: str = "", *, strength: str = "1") -> str:
    return (
        f"{key}: no such method.{guess} Methods: {', '.join(method_names())}. "
        f"One of your own names its class: {key}: {{_target_: mymodule.MyMethod, strength: {strength}}}."
    )


GROUPS = f"Groups: {', '.join(sorted(path.name for path in CONF.iterdir() if path.is_dir()))}."
GRAMMAR = (
    "A method is given as NAME: STRENGTH, or as NAME: {strength: STRENGTH, OPTION: VALUE}; "
    "on the command line in quotes, 'reg.NAME={strength:STRENGTH,OPTION:VALUE}'."
)
DROPOUT_1 = "reg.dropout=1.0: a probability in [0, 1) is needed: 1 would drop everything."
ON_THE_PATH = "Put the folder of your module on PYTHONPATH, or beside your --config-dir."
TOO_SMALL = (
    "data.image_size=63: too small for simple_cnn, whose convolutions and pools need at least 64 pixels. "
    "Use data.image_size=64 or more."
)

# Command line -> message. All of these are seen before torch is imported and before any folder is made.
CONFIG = {
    "model=resnet19": f"model=resnet19: no such option. Did you mean resnet18? {options('model')}",
    "reg=xyz": f"reg=xyz: no such option. {options('reg')}",
    "reg=[dropout,xyz]": f"reg=xyz: no such option. {options('reg')}",
    "reg=mixpu": f"reg=mixpu: no such option. Did you mean mixup? {options('reg')}",
    "sweep=reprot": f"sweep=reprot: no such option. Did you mean report? {options('sweep')}",
    "scheduler=cosin": f"scheduler=cosin: no such option. Did you mean cosine? {options('scheduler')}",
    "logger=cvs": f"logger=cvs: no such option. Did you mean csv? {options('logger')}",
    "debug=fats": f"debug=fats: no such option. Did you mean fast? {options('debug')}",
    "modle=resnet18": f"modle: no such key or group. Did you mean model? {GROUPS}",
    "max_epochs=3": f"max_epochs: no such key or group. Did you mean trainer.max_epochs? {GROUPS}",
    "trainer.max_epoch=3": (f"trainer.max_epoch: no such key. Did you mean trainer.max_epochs? {keys_of('trainer')}"),
    "+typo=1": f"typo: no such key. {keys_of('')}",
    # Methods.
    "reg.typo=1": no_method("reg.typo", strength="1.0"),
    "+reg.typo=1": no_method("reg.typo"),
    "++reg.typo=1": no_method("reg.typo"),
    "reg.dropuot=0.1": no_method("reg.dropuot", " Did you mean reg.dropout?", strength="1.0"),
    "++reg.dropuot=0.1": no_method("reg.dropuot", " Did you mean reg.dropout?", strength="0.1"),
    "reg.mixup.p=0.5": (
        "reg.mixup.p: reg.mixup has no such option as it is written. Give options with the strength: "
        "reg=mixup reg.mixup.p=..., or 'reg.mixup={strength:...,p:...}'"
    ),
    "reg=mixup reg.mixup.q=0.5": (
        "reg.mixup.q: reg.mixup has no such option as it is written. Give options with the strength: "
        "'reg.mixup={strength:...,q:...}'"
    ),
    "reg=randaugment reg.randaugment.nn=3": (
        "reg.randaugment.nn: randaugment has no such option. Did you mean reg.randaugment.n?"
    ),
    "+reg.mixup.p=0.5": f"reg.mixup={{'p': 0.5}}: has no strength. {GRAMMAR}",
    "reg.mixup={p:0.5}": f"reg.mixup={{'p': 0.5}}: has no strength. {GRAMMAR}",
    "reg.mixup=strength:0.2 reg.mixup=p:0.5": f"reg.mixup=p:0.5: a number is needed. {GRAMMAR}",  # as bash expands it
    "reg.mixup=-1": "reg.mixup=-1: must be at least 0, and finite.",
    "reg.mixup={strength:-1}": "reg.mixup=-1: must be at least 0, and finite.",
    "reg.mixup=abc": f"reg.mixup=abc: a number is needed. {GRAMMAR}",
    "reg.name=x": "reg.name=x: is made from the strengths that are not 0 (none); leave it out.",
    "reg=dropout reg.name=x": "reg.name=x: is made from the strengths that are not 0 (dropout); leave it out.",
    "data.augment={qqqq:1}": no_method("data.augment.qqqq"),
    "data.augment=3": "data.augment=3: none, a name, a list of names, or {NAME: STRENGTH} is needed.",
    "data.augment.flip_crop=1": (
        "data.augment.flip_crop: data.augment does not have it yet. "
        "Name all methods at once: data.augment={flip_crop:1}"
    ),
    "data.augment=flip_crop reg=flip_crop": (
        "reg.flip_crop=1.0: data.augment has flip_crop, too; a run takes a method once."
    ),
    # Arguments of constructor calls.
    "data.source.typo=3": (
        "data.source.typo: the chosen option has no such key. Keys of the options in data/: data.source.classes, "
        "data.source.seed, data.source.total. To pass another argument of its constructor, write +data.source.typo=..."
    ),
    "logger=csv logger.csv.nam=x": (
        "logger.csv.nam: the chosen option has no such key. Did you mean logger.csv.name? Keys of the options in "
        "logger/: logger.csv.name. "
        "To pass another argument of its constructor, write +logger.csv.nam=..."
    ),
    "model.typo=3": (
        f"model.typo: the chosen option has no such key. {argument_keys('model')} "
        "To pass another argument of its constructor, write +model.typo=..."
    ),
    "optimizer.momentun=0.9": (
        "optimizer.momentun: the chosen option has no such key. Did you mean optimizer.momentum? "
        f"{argument_keys('optimizer')} "
        "To pass another argument of its constructor, write +optimizer.momentun=..."
    ),
    "optimizer.momentum=0.9": of_others("optimizer.momentum"),
    "model=simple_cnn model.stem=cifar": of_others("model.stem"),
    "model=resnet20 model.network=x": of_others("model.network"),
    "+reg=l2": "+reg=l2: reg has a value already. Leave out the +: reg=l2",
    "+model.dropout=0.2": "+model.dropout=0.2: there is such a key already. Leave out the +: model.dropout=0.2",
    "trainer.max_epochs=abc": "trainer.max_epochs=abc: a whole number is needed.",
    "data.batch_size=1.5": "data.batch_size=1.5: a whole number is needed.",
    "reg.dropout=abc": f"reg.dropout=abc: a number is needed. {GRAMMAR}",
    "trainer.deterministic=maybe": "trainer.deterministic=maybe: true or false is needed.",
    "seed=null": "seed=null: a value is needed.",
    "data.root=[1,2]": "data.root=[1,2]: cannot be used here (Cannot convert 'list' to string: '[1, 2]').",
    "data.root=???": "data.root: has no value yet. Give it one: data.root=...",
    "model=null": "Config group override must be a string or a list. Got NoneType",
    "reg.dropout=-0.1": "reg.dropout=-0.1: must be at least 0, and finite.",
    "reg.weight_decay=-1": "reg.weight_decay=-1: must be at least 0, and finite.",
    "optimizer.lr=0": "optimizer.lr=0: a number above 0 is needed, e.g. optimizer.lr=0.001.",
    "optimizer.lr=nan": "optimizer.lr=nan: a number above 0 is needed, e.g. optimizer.lr=0.001.",
    "optimizer.lr=abc": "optimizer.lr=abc: a number above 0 is needed, e.g. optimizer.lr=0.001.",
    "data.val=0": "data.val=0: a fraction above 0 to below 1 is needed, e.g. data.val=0.1.",
    "data.test=1": "data.test=1: a fraction from 0 to below 1 is needed, e.g. data.test=0.1.",
    "data.val=abc": ("data.val=abc: a fraction of the images is needed, e.g. data.val=0.1, or data.val=published."),
    "data.splits=yes": (
        "data.splits=yes: the folder of each split is needed, e.g. "
        "'data.splits={train: Training, test: [Testing1, Testing2]}', or none."
    ),
    "data.splits={train:a}": (
        "data.splits={'train': 'a'}: train and one of val and test are needed, e.g. "
        "'data.splits={train: Training, test: [Testing1, Testing2]}'."
    ),
    "data.splits={train:a,tset:b}": (
        "data.splits={'train': 'a', 'tset': 'b'}: tset is no split. There are train, val and test."
    ),
    "data.splits={train:a,test:[]}": ("data.splits.test=[]: the name of a folder, or a list of names, is needed."),
    "data.val=0.5 data.test=0.5": (
        "data.val=0.5 data.test=0.5: together they must stay below 1, or nothing is left to train on."
    ),
    "seed=-1": "seed=-1: must be at least 0 and at most 4294967295.",
    "seed=4294967296": "seed=4294967296: must be at least 0 and at most 4294967295.",
    "trainer.precision=fp8": (
        "trainer.precision=fp8: no such option. Options: auto, 32-true, bf16-mixed, 16-mixed, bf16-true, 64-true."
    ),
    "trainer.checkpoint_minutes=-1": "trainer.checkpoint_minutes=-1.0: must be at least 0 (minutes).",
    "data.max_pixels=0": "data.max_pixels=0: must be at least 1 and at most 178956970 (pixels).",
    "data.image_size=5000": "data.image_size=5000: must be at least 1 and at most 4096 (pixels).",
    "trainer.max_epochs=0": "trainer.max_epochs=0: must be at least 1 (epochs).",
    "data.augment=flip_cropp": (
        "data.augment=flip_cropp: no such option. Did you mean flip_crop? "
        + options("reg").replace("none, ", "").replace("Options: ", "Options: none, ")
    ),
    "trainer.accelerator=cud": (
        "trainer.accelerator=cud: no such option. Did you mean cuda? Options: auto, cpu, gpu, cuda, mps."
    ),
    "trainer.devices=0": "trainer.devices=0: must be at least 1.",
    "trainer.sync_batchnorm=true": (
        "trainer.sync_batchnorm=true: one device has nothing to share; it needs trainer.devices=2 or more."
    ),
    "model.name=../x": (
        "model.name=../x: a name without / is needed, as a line `name: ...` in the option's file gives it."
    ),
    "resnet18": "resnet18: not of the form key=value, e.g. model=resnet18 (Error parsing override 'resnet18').",
    "data.root=~/数,据": (
        "data.root=~/数,据: this value needs quotes of its own, inside those of the shell: 'data.root=\"~/数,据\"'"
    ),
    "seed=0,1": (
        "seed=0,1: several values make a sweep, which needs --multirun before the first of these words. "
        "A single text with a comma in it stands in quotes, inside those of the shell: 'seed=\"0,1\"'"
    ),
    "--multirun --cfg job": ("Only one of --run, --multirun, --cfg, --info and --shell_completion can be specified"),
    "--config-dir nowhere": "Additional config directory '{here}/nowhere' not found",
    "hydra.run.dir=file/x": (
        "hydra.run.dir=file/x: cannot be made (Not a directory). Choose another one: hydra.run.dir=..."
    ),
}


@pytest.mark.parametrize("words", CONFIG)
def test_config(words: str, program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = program("data=folder", *words.split())  # of no root: should one of these pass, it still ends soon
    message = CONFIG[words].replace("{here}", str(tmp_path))
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (1, "", message + "\n")
    assert contents(tmp_path) == {"file": b""}, "something was written"


def test_an_unknown_experiment_names_all_of_them(program: Program) -> None:
    folder = CONF / "experiment"
    names = sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.yaml"))
    for typed, meant in (("resnet18_dropuot", "report/resnet18_dropout"), ("report/resnet19", "report/resnet18")):
        assert program(f"experiment={typed}").stderr == (
            f"experiment={typed}: no such option. Did you mean {meant}? Options: {', '.join(names)}.\n"
        )


@pytest.mark.parametrize("value", ["/it's", "/a,b", "/Müller/[x]"])
def test_the_quotes_that_are_proposed_work(value: str, program: Program, tmp_path: Path) -> None:
    proposed = program(f"data.root={value}").stderr.strip().split(" of the shell: ")[1]
    outcome = program("--cfg", "job", *shlex.split(proposed))
    assert outcome.returncode == 0, outcome.stderr
    assert re.search(r"^  root: (.*)$", outcome.stdout, re.M)[1].strip("'\"").replace("''", "'") == value  # type: ignore[index]


# What the parts refuse, once torch is there. The images are not looked for before.
PARTS = {
    "reg.dropout=1": DROPOUT_1,
    "reg.label_smoothing=1": "reg.label_smoothing=1.0: a share in [0, 1) is needed.",
    "data.augment={label_smoothing:1}": "data.augment.label_smoothing=1.0: a share in [0, 1) is needed.",
    "reg.mixup={strength:0.2,q:1}": "reg.mixup.q: no such option. Options: strength, p, off_epoch.",
    "reg=mixup reg.mixup.p=2": "reg.mixup.p=2: a probability in (0, 1] is needed.",
    "+model.typo=3": (
        "model: animal_cls.models.simple_cnn.SimpleCNN cannot be called: got an unexpected keyword argument 'typo'. "
        "Its arguments: image_size, dropout."
    ),
    "model._target_=no.such.Thing": (
        f"model._target_=no.such.Thing: cannot be imported (No module named 'no'). {ON_THE_PATH}"
    ),
    "model._target_=torch.nn": ("model._target_=torch.nn: is a module; a class or a function is needed."),
    "optimizer._target_=torch.optim.Nope": (
        "optimizer._target_=torch.optim.Nope: cannot be imported (module 'torch.optim' has no attribute 'Nope')."
    ),
    "data.root=null": ("data.root: data=folder needs the folder of your class folders, e.g. data.root=/path/to/images"),
    "data.source._target_=nope.nope": (
        f"data.source._target_=nope.nope: cannot be imported (No module named 'nope'). {ON_THE_PATH}"
    ),
    "+reg.mine={_target_:nope.Mine,strength:1}": (
        f"reg.mine._target_=nope.Mine: cannot be imported (No module named 'nope'). {ON_THE_PATH}"
    ),
    "+data.source.typo=3": (
        "data.source: animal_cls.data.sources.folder.locate cannot be called: "
        "got an unexpected keyword argument 'typo'. "
        "Its arguments: none."
    ),
}


@pytest.mark.parametrize("words", PARTS)
def test_parts(words: str, program: Program) -> None:
    outcome = program("data=folder", *words.split())
    assert (outcome.returncode, outcome.stderr) == (1, PARTS[words] + "\n")


# What the network refuses: it is made once, when the classes are known.
NETWORKS = {
    "data.image_size=63": TOO_SMALL,
    "model=resnet18 model.weights=nowhere.pth": (
        "model.weights=nowhere.pth: neither a file nor a name of weights (IMAGENET1K_V1, DEFAULT)."
    ),
    "model=resnet18 model.weights=another.pth": (
        "model.weights=another.pth: does not fit this network: 119 missing (bn1.weight, bn1.bias, bn1.running_mean, "
        "...); 1 unknown (fc2.bias); conv1.weight is (64, 3, 5, 5) instead of (64, 3, 7, 7). "
        "Needed: a file of torchvision's ResNet18, as torch.save(model.state_dict(), file) writes it."
    ),
}


@pytest.mark.parametrize("words", NETWORKS)
def test_networks(words: str, program: Program, image_folder: ClassFolders, tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(64, 3, 5, 5), "fc2.bias": torch.zeros(1)}, tmp_path / "another.pth")
    root = image_folder(tmp_path / "images")
    outcome = program(*SMALL, f"data.root={root}", "hydra.run.dir=run", *words.split())
    assert (outcome.returncode, outcome.stderr) == (1, NETWORKS[words] + "\n")


def test_the_smallest_image_that_is_named_works() -> None:
    with pytest.raises(UserError) as caught:
        build.parts(compose(["data.image_size=1"]), num_classes=2)
    smallest = re.search(r"Use (data\.image_size=\d+) or more", str(caught.value))
    assert smallest is not None
    build.parts(compose([smallest[1]]), num_classes=2)


@pytest.mark.parametrize("name", ["gpu", "cuda", "mps"])
def test_an_accelerator_that_is_not_there(name: str, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert program(f"trainer.accelerator={name}").stderr == (
        f"trainer.accelerator={name}: this machine has none that torch {torch.__version__} can use. "
        "Use trainer.accelerator=auto or trainer.accelerator=cpu.\n"
    )


# Sweeps: what is wrong with any job is said before the first one starts.

SWEEPS = {
    "seed=0,0": "The plan holds the same job twice: data=folder,seed=0. Name each value of an axis once.",
    "reg.dropout=0.1,1": f"{DROPOUT_1} (in the job data=folder,reg.dropout=1; nothing was started)",
    "seed=0,1 trainer.devices=0": (
        f"{CONFIG['trainer.devices=0']} (in the job data=folder,seed=0,trainer.devices=0; nothing was started)"
    ),
    "data.image_size=64,63": f"{TOO_SMALL} (in the job data.image_size=63,data=folder; nothing was started)",
    "model=simple_cnn,resnet19": CONFIG["model=resnet19"],
    "trainer.max_epochs=1,abc": "trainer.max_epochs=abc: a whole number is needed.",
    "seed=0,1 +reg.typo=1": f"{CONFIG['+reg.typo=1']} (in the job +reg.typo=1,data=folder,seed=0; nothing was started)",
    "optimizer._target_=torch.optim.Adam,torch.optim.Nope": (
        f"{PARTS['optimizer._target_=torch.optim.Nope']} "
        "(in the job data=folder,optimizer._target_=torch.optim.Nope; nothing was started)"
    ),
    "seed=0,1 data.root=~/x,~/y": (
        "data.root=~/x,~/y: this value needs quotes of its own, inside those of the shell: 'data.root=\"~/x,~/y\"'"
    ),
    "seed=0,1 hydra.sweep.dir=file/x": (
        "hydra.sweep.dir=file/x: cannot be made (Not a directory). Choose another one: hydra.sweep.dir=..."
    ),
}


@pytest.mark.parametrize("words", SWEEPS)
def test_sweeps(words: str, program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = program("--multirun", "data=folder", *words.split())
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (1, "", SWEEPS[words] + "\n")
    assert contents(tmp_path) == {"file": b""}, "something was started"


# The translation itself.


def test_what_hydra_says_is_kept_where_we_have_no_words() -> None:
    assert format_hydra_error(HydraException("  something new\n")) == "something new"
    assert format_hydra_error(UserError("ours")) == "ours"


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (UserError("x"), True),
        (HydraException("x"), True),
        (OmegaConfBaseException("x"), True),
        (ValueError("too many values to unpack"), False),
        (KeyError("name"), False),
        (RuntimeError("x"), False),
    ],
)
def test_only_what_a_user_can_mend_is_a_mistake(error: Exception, is_one: bool) -> None:
    assert is_mistake(error) == is_one


def test_a_fault_of_ours_keeps_its_traceback(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(cfg: object) -> None:
        raise KeyError("name")

    monkeypatch.setattr("animal_cls.commands.train.parse", parse)
    with pytest.raises(KeyError):
        program(*SMALL)
