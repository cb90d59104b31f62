"""What every method keeps to, found by globbing: a new one is tested here without a word being added."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from animal_cls import regularizers
from animal_cls.commands.train import compose
from animal_cls.config.methods import MethodCall, active, strength_of
from animal_cls.config.schema import method_names
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF
from animal_cls.regularizers import ORDER, Card, Method, build, clashes, name_of, ordered, own_class, stream_of, uses

NAMES = sorted(path.stem for path in Path(regularizers.__file__).parent.glob("*.py") if path.stem != "__init__")
HOOKS = [name for name, thing in vars(Method).items() if inspect.isfunction(thing) and not name.startswith("__")]


def call(name: str, strength: float | None = None, **options: Any) -> MethodCall:
    """Of a method with the strength of its option file, unless another is given."""
    chosen = strength_of(written(name)[0]) if strength is None else strength
    return MethodCall(key=f"reg.{name}", name=name, strength=chosen, target=None, options=options)


def written(name: str) -> list[Any]:
    """What the option files say about a method: l2.yaml is weight_decay's."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((CONF / "reg").glob("*.yaml"))]
    return [file[name] for file in files if name in file]


def test_the_methods_are_the_files() -> None:
    assert list(method_names()) == NAMES
    assert len(NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_one_method_of_its_name_that_says_where_it_acts_and_whose_it_is(name: str) -> None:
    found = own_class(name)
    assert found.__name__.lower() == name.replace("_", "")
    assert found.acts_on in ORDER
    (method,) = build([call(name)])
    assert type(method) is found


@pytest.mark.parametrize("name", NAMES)
def test_its_card_says_where_it_is_from_and_values_that_it_takes(name: str) -> None:
    card = own_class(name).card
    assert card is not None
    assert card.source.startswith("https://")
    assert all((card.does, card.strength, card.formula, card.values_from, card.cost, card.needs))
    assert card.does.count(". ") + card.does.endswith(".") <= 3, "two sentences"
    for value in card.values:
        assert build([call(name, value)])[0].strength == value


@pytest.mark.parametrize("name", NAMES)
def test_the_first_value_of_its_card_is_that_of_its_option_file(name: str) -> None:
    card = own_class(name).card
    assert card is not None
    assert card.values[0] in [strength_of(value) for value in written(name)]


def test_methods_that_should_not_be_combined_are_named_with_the_reason() -> None:
    class One(Method):
        card = Card(
            does="", strength="", formula="", source="", values=(), values_from="", cost="", excludes={"sam": "why"}
        )

    one, sam = One(1.0), build([call("sam")])[0]
    expected = [f"reg.{name_of(one)} with reg.sam: why"]
    assert clashes([one, sam]) == clashes([sam, one]) == expected
    assert clashes([one, one]) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_option_file_turns_it_on_at_a_strength_that_it_takes(name: str) -> None:
    assert written(name), f"conf/reg/ has no file with {name}"
    for value in written(name):
        (chosen,) = active({name: value}, "reg")
        (method,) = build([chosen])
        assert method.strength == chosen.strength > 0


@pytest.mark.parametrize("name", NAMES)
def test_its_option_file_names_every_option_with_its_default(name: str) -> None:
    """So that `reg=NAME reg.NAME.OPTION=...` works, and --cfg job shows what can be set."""
    first, *options = inspect.signature(own_class(name)).parameters.values()
    assert first.name == "strength"
    assert first.default is inspect.Parameter.empty
    expected = {option.name: option.default for option in options}
    for value in written(name):
        assert ({key: x for key, x in value.items() if key != "strength"} if options else {}) == expected


def test_a_strength_of_zero_is_none() -> None:
    off = compose([f"reg.{name}=0" for name in NAMES])
    assert off == compose(["reg=none"])
    assert active(off.reg, "reg") == []


@pytest.mark.parametrize("name", NAMES)
def test_it_acts_through_the_hook_that_it_names(name: str) -> None:
    found = own_class(name)
    own = {hook for hook in HOOKS if uses(build([call(name)])[0], hook)}
    expected = {
        "order": {"draw", "side"},
        "images": {"batch"},
        "pairs": {"batch"},
        "targets": {"batch"},
        "network": {"network"},
        "loss": {"loss"},
        "step": {"groups", "gradients", "step", "weights"},
        "evaluation": {"weights", "evaluated", "refresh", "predict", "ends"},
        "another key": {"groups"},
    }
    assert own & expected[found.acts_on] or found.acts_on == "another key"
    assert own <= expected[found.acts_on] or found.acts_on != "another key", "what it hands on is all that it does"
    assert ("state_dict" in own) == ("load_state_dict" in own)
    assert found.draws > 0 or "sample" not in own, "it asks for numbers that it never gets"


def test_no_two_methods_draw_the_same_numbers() -> None:
    streams = [stream_of(method) for method in build([call(name) for name in NAMES])]
    assert len(set(streams)) == len(streams)


# The base class: every hook leaves things as they are.


def test_the_hooks_of_a_method_that_overrides_none_change_nothing() -> None:
    method = Method(0.5)
    assert not [hook for hook in HOOKS if uses(method, hook)]
    order, labels = np.array([2, 0, 1]), np.array([0, 1, 1])
    assert method.draw(order, labels, np.zeros((3, 0))) is order
    assert method.side(37) == 37
    images, targets = torch.rand(2, 3, 4, 4), torch.eye(2)
    assert method.batch(images, targets, torch.zeros(2, 0)) == (images, targets)
    network, loss = nn.Linear(2, 2), torch.tensor(1.5)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert method.network(network) is network
    assert method.loss(network, images, targets, targets, loss) is loss
    groups: list[dict[str, Any]] = [{"params": []}]
    assert method.groups(groups, network) is groups
    closure = lambda: loss  # noqa: E731
    assert method.step(network, closure) is closure
    method.gradients(network)
    method.weights(network)
    assert method.evaluated(network) is None
    assert not method.ends({"val/acc": 1.0})
    assert method.state_dict() == {}
    method.load_state_dict({})
    method.meet([])
    method.refresh(network, iter([images]))
    forward = nn.Identity().forward
    assert method.predict(forward) is forward
    assert method.weakness() is None
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_numbers_are_handed_over_as_they_are_drawn() -> None:
    uniforms = np.random.default_rng(0).random((4, 3))
    sampled = Method(0.5).sample(uniforms)
    assert sampled.dtype == torch.float32
    np.testing.assert_allclose(sampled.numpy(), uniforms, atol=1e-7)


# Building.


def test_methods_act_in_one_order_whatever_the_config_says_first() -> None:
    calls = [call(name) for name in NAMES]
    forward, backward = ordered(calls), ordered(calls[::-1])
    assert [c.name for c in forward] == [c.name for c in backward]
    places = [(ORDER.index(own_class(c.name).acts_on), own_class(c.name).comes_last) for c in forward]
    assert places == sorted(places)
    assert [stream_of(method) for method in build(calls)] == [stream_of(build([c])[0]) for c in forward]


def test_options_reach_the_constructor() -> None:
    (method,) = build([call("mixup", 0.2, p=0.25)])
    assert vars(method).items() >= {"strength": 0.2, "p": 0.25}.items()


def test_an_unknown_option_lists_those_that_there_are() -> None:
    with pytest.raises(UserError, match=r"^reg\.mixup\.q: no such option\. Options: strength, p, off_epoch\.$"):
        build([call("mixup", 0.2, q=1)])
    with pytest.raises(UserError, match=r"^reg\.sam\.strenght: no such option\. Did you mean reg\.sam\.strength\?"):
        build([call("sam", 0.2, strenght=1)])


@pytest.mark.parametrize("key", ["reg.label_smoothing", "data.augment.label_smoothing"])
def test_a_strength_out_of_range_is_refused_under_the_key_that_has_it(key: str) -> None:
    chosen = MethodCall(key=key, name="label_smoothing", strength=1.5, target=None)
    with pytest.raises(UserError, match=rf"^{key}=1\.5: a share in \[0, 1\) is needed\.$"):
        build([chosen])
