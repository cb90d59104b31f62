"""Values at and beyond the edges of what is declared, and what concerns several keys."""

import copy
import math
from typing import Any

import pytest

from animal_cls.commands.train import compose
from animal_cls.config.checks import check, unknown_key, value_of
from animal_cls.config.parse import restore, to_plain
from animal_cls.config.schema import Config, constructor_calls, declared, known
from animal_cls.errors import UserError

RANGES = {name: known(entry) for name, entry in declared() if known(entry).low > -math.inf}
OPTIONS = {name: known(entry).options for name, entry in declared() if known(entry).options}
NAMED = [name for name in constructor_calls() if "." not in name]


@pytest.fixture(scope="module")
def default() -> Config:
    return compose([])


def with_value(config: Config, key: str, value: Any) -> Config:
    """A copy with one dotted key set."""
    made = copy.deepcopy(config)
    section, _, name = key.rpartition(".")
    target = value_of(made, section) if section else made
    target.__setitem__(name, value) if isinstance(target, dict) else setattr(target, name, value)
    return made


@pytest.mark.parametrize("name", RANGES)
def test_the_edges_of_a_range_are_accepted_and_what_is_beyond_refused(name: str, default: Config) -> None:
    low, high = RANGES[name].low, RANGES[name].high
    edges = [low] if math.isinf(high) else [low, high]
    for edge in edges:
        check(with_value(default, name, edge))
    beyond = [low - 1, math.nextafter(low, -math.inf), math.nan, math.inf, -math.inf, *(edge + 1 for edge in edges[1:])]
    for value in beyond:
        with pytest.raises(UserError) as caught:
            check(with_value(default, name, value))
        assert str(caught.value).startswith(f"{name}={value}: must be at least {low}")
        assert str(caught.value).endswith(f" ({RANGES[name].unit})." if RANGES[name].unit else ".")


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_accepted_and_no_other(name: str, default: Config) -> None:
    for option in OPTIONS[name]:
        check(with_value(default, name, option))
    with pytest.raises(UserError) as caught:
        check(with_value(default, name, "nonsense"))
    assert str(caught.value) == f"{name}=nonsense: no such option. Options: {', '.join(OPTIONS[name])}."


@pytest.mark.parametrize("section", NAMED)
@pytest.mark.parametrize("name", [None, "", "..", "a/b", 3])
def test_the_name_of_an_option_can_be_that_of_a_folder(section: str, name: Any, default: Config) -> None:
    with pytest.raises(UserError) as caught:
        check(with_value(default, f"{section}.name", name))
    assert str(caught.value).startswith(f"{section}.name={name}: a name without / is needed")


ACCEPTED = [
    ("seed", 0),  # 0 is a seed
    ("seed", 2**32 - 1),
    ("data.val", 0.89),
    ("data.val", "published"),
    ("data.test", 0),
    ("data.test", 0.0),
    ("data.test", "published"),
    ("data.limit", None),
    ("trainer.profiler", None),
    ("optimizer.lr", 1),
    ("optimizer.lr", 1e-12),
]

REFUSED = [
    ("seed", -1),
    ("seed", 2**32),  # lightning's seed_everything goes no further
    ("data.val", 0),
    ("data.val", 0.0),
    ("data.val", 1),
    ("data.val", -0.1),
    ("data.val", True),
    ("data.val", None),
    ("data.val", math.nan),
    ("data.val", "0.1"),
    ("data.val", "publishd"),
    ("data.test", 1.0),
    ("data.test", -0.1),
    ("data.test", math.inf),
    ("data.max_pixels", 178_956_971),
    ("reg.dropout", -0.1),
    ("reg.dropout", math.nan),
    ("reg.weight_decay", -1e-9),
    ("reg.weight_decay", math.inf),
    ("optimizer.lr", 0),
    ("optimizer.lr", -0.1),
    ("optimizer.lr", math.nan),
    ("optimizer.lr", math.inf),
    ("optimizer.lr", "fast"),
    ("optimizer.lr", True),
    ("optimizer.lr", None),
    ("trainer.max_epochs", -1),  # Lightning's "for ever"
    ("trainer.devices", 0),
    ("trainer.devices", -1),  # Lightning's "all"
]


def kept(config: Config) -> dict[str, Any]:
    """What is left of a config after it was written down and parsed again, with all checks."""
    return without_name(restore(without_name(config)))


def without_name(config: Config) -> dict[str, Any]:
    """A config as plain values; the name of `reg` follows from its strengths."""
    plain = to_plain(config)
    del plain["reg"]["name"]
    return plain


@pytest.mark.parametrize(("key", "value"), ACCEPTED, ids=str)
def test_values_at_the_edge_are_accepted(key: str, value: Any, default: Config) -> None:
    made = with_value(default, key, value)
    assert kept(made) == without_name(made)


@pytest.mark.parametrize(("key", "value"), REFUSED, ids=str)
def test_values_beyond_are_refused_with_key_and_value(key: str, value: Any, default: Config) -> None:
    with pytest.raises(UserError) as caught:
        check(with_value(default, key, value))
    assert str(caught.value).startswith(f"{key}={value}: ")


def test_an_optimizer_whose_rate_has_another_name_is_not_asked_for_lr(default: Config) -> None:
    made = copy.deepcopy(default)
    del made.optimizer["lr"]
    assert "lr" not in kept(made)["optimizer"]


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (0.9, 0.1), (0.99, 0.99)])
def test_something_must_be_left_to_train_on(val: float, test: float, default: Config) -> None:
    with pytest.raises(UserError, match="together they must stay below 1"):
        check(with_value(with_value(default, "data.val", val), "data.test", test))


@pytest.mark.parametrize(("val", "test"), [("published", 0.9), (0.9, "published"), ("published", "published")])
def test_published_fractions_leave_something_by_themselves(val: Any, test: Any, default: Config) -> None:
    data = kept(with_value(with_value(default, "data.val", val), "data.test", test))["data"]
    assert (data["val"], data["test"]) == (val, test)


def test_a_method_is_either_shared_or_ablated(default: Config) -> None:
    both = with_value(with_value(default, "data.augment", {"mixup": 0.1}), "reg.mixup", 0.2)
    with pytest.raises(UserError) as caught:
        check(both)
    assert str(caught.value) == "reg.mixup=0.2: data.augment has mixup, too; a run takes a method once."
    check(with_value(both, "reg.mixup", 0))
    check(with_value(both, "data.augment", {"mixup": 0}))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("trainer.max_epoch", "trainer.max_epoch: no such key. Did you mean trainer.max_epochs? Keys of trainer: max_"),
        ("sed", "sed: no such key. Did you mean seed? Keys at the top: seed, checkpoint, data, model, reg, "),
        (
            "trainr.max_epochs",
            "trainr.max_epochs: no such key. Did you mean trainer.max_epochs? Keys at the top: seed,",
        ),
    ],
)
def test_an_unknown_key_gets_the_nearest_and_its_siblings(key: str, message: str) -> None:
    assert str(unknown_key(key)).startswith(message)
