"""Against mixup where the network is linear; where and how often it blends; shares against scipy's Beta."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torchvision.models import resnet18

from animal_cls import rng
from animal_cls.regularizers import NoEffect, stream_of
from animal_cls.regularizers.manifold_mixup import ManifoldMixup
from animal_cls.regularizers.mixup import Mixup

KEYS = np.random.default_rng(0).integers(0, 2**64, size=20_000, dtype=np.uint64)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(4, 3, 6, 6, generator=GENERATOR)
SHARES = torch.tensor([0.75, 1.0, 0.4, 0.5])
TARGETS = torch.eye(4)


def sequence() -> nn.Sequential:
    """Four convolutions without an activation between, so that the place does not matter, the first two eligible."""
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(4)), nn.Flatten())


def test_where_the_network_is_linear_it_is_mixup_whatever_the_place() -> None:
    expected, soft = Mixup(1.0).batch(IMAGES, TARGETS, SHARES)
    method = ManifoldMixup(1.0)
    network = method.network(sequence()).train()
    images, targets = method.batch(IMAGES, TARGETS, SHARES)
    assert images is IMAGES
    torch.testing.assert_close(targets, soft)
    places = set()
    for seed in range(20):
        torch.manual_seed(seed)
        torch.testing.assert_close(network(images), sequence()(expected))
        places.add(method.place)
    assert places == {0, 1, 2}


def test_features_are_blended_after_the_drawn_block_and_nowhere_else() -> None:
    method = ManifoldMixup(1.0)
    network = method.network(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1))).train()
    method.batch(IMAGES, TARGETS, SHARES)
    weight, bias, last_weight, last_bias = network.parameters()
    for seed in range(100):  # until the place after the first convolution is drawn
        torch.manual_seed(seed)
        found = network(IMAGES)
        if method.place == 1:
            break
    plain = nn.functional.conv2d(IMAGES, weight, bias)
    share = SHARES.view(-1, 1, 1, 1)
    blended = (plain * share + plain.roll(-1, 0) * (1 - share)).relu()
    torch.testing.assert_close(found, nn.functional.conv2d(blended, last_weight, last_bias))


def test_each_place_is_drawn_equally_often_and_by_torchs_generator() -> None:
    method = ManifoldMixup(1.0)
    network = method.network(sequence()).train()
    method.batch(IMAGES, TARGETS, SHARES)

    def places(seed: int) -> list[int]:
        torch.manual_seed(seed)
        return [(network(IMAGES), method.place)[1] for _ in range(600)]

    counts = np.bincount(places(0))
    assert stats.chisquare(counts).pvalue > 1e-3
    assert places(1) == places(1) != places(2)


def test_evaluation_the_names_of_weights_and_the_first_forward_are_unchanged() -> None:
    torch.manual_seed(0)
    network, images = resnet18(num_classes=3).eval(), torch.rand(3, 3, 32, 32)
    names, method = list(network.state_dict()), ManifoldMixup(1.0)
    with torch.no_grad():
        before = network(images)
        method.network(network)
        assert torch.equal(network(images), before)
        network.train()(images[:2])  # in training, before there was a batch
        network.eval()
        method.batch(images, torch.eye(3), SHARES[:3])
        assert not torch.equal(network.train()(images), before)
    assert list(network.state_dict()) == names
    hooked = [name for name, module in network.named_modules() if module._forward_hooks]
    assert hooked == ["layer1.0", "layer1.1", "layer2.0", "layer2.1"]


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_the_shares_follow_the_beta_distribution(alpha: float) -> None:
    method = ManifoldMixup(alpha)
    uniforms = rng.uniform(KEYS, seed=0, epoch=0, draws=method.draws, stream=stream_of(method))
    shares: Tensor = method.sample(uniforms)
    assert shares.dtype == torch.float32
    assert stats.kstest(shares.double().numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_a_network_without_feature_maps_says_so() -> None:
    with pytest.raises(NoEffect, match=r"^the network has neither residual blocks"):
        ManifoldMixup(1.0).network(nn.Linear(2, 2))
