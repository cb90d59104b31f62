"""R-Drop: two passes with other dropout masks are to say the same."""

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.dropout import _DropoutNd

from animal_cls.regularizers import Card, Method, NoEffect
from animal_cls.regularizers.sam import frozen_statistics


class RDrop(Method):
    """The mean cross-entropy of two passes + strength * their symmetric divergence (https://arxiv.org/abs/2106.14448).

    The divergence is (KL(p, q) + KL(q, p)) / 2. What other methods made of the first pass stays; statistics of batch
    normalisation are those of the first pass.
    """

    acts_on = "loss"
    card = Card(
        does="Each batch passes the network twice with other dropout masks, and both predictions are drawn to each "
        "other. So the network says the same whatever is dropped.",
        strength="alpha: coefficient of the divergence, nats",
        formula="(CE(p, t) + CE(q, t)) / 2 + alpha * (KL(p, q) + KL(q, p)) / 2",
        source="https://arxiv.org/abs/2106.14448",
        values=(0.3, 1.0),
        values_from="0.3 the authors' code for images (there the divergence is summed over the batch); 1 ours",
        cost="a second forward and backward pass, by nature",
        needs="dropout or stochastic depth in the network",
        no_effect="the network draws nothing at random",
    )

    def network(self, network: nn.Module) -> nn.Module:
        if not any(_may_draw(module) for module in network.modules()):
            raise NoEffect("the network has no dropout or stochastic depth: both passes would be the same")
        return network

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        with frozen_statistics(network):
            output = network(images)
        second = getattr(output, "logits", output)  # torchvision's with auxiliary logits
        more = functional.cross_entropy(second, targets) - functional.cross_entropy(logits, targets)
        return loss + more / 2 + self.strength * divergence(logits, second)


def divergence(logits: Tensor, others: Tensor) -> Tensor:
    """(KL(p, q) + KL(q, p)) / 2 of predictions by logits (N, K) each: the mean over images, nats."""
    log_p, log_q = functional.log_softmax(logits, dim=1), functional.log_softmax(others, dim=1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=1).mean() / 2


def _may_draw(module: nn.Module) -> bool:
    """Whether it leaves something out at random, by itself or by a hook (as of our stochastic depth)."""
    p = getattr(module, "p", 0) if isinstance(module, _DropoutNd) or type(module).__name__ == "StochasticDepth" else 0
    return bool(p or getattr(module, "drop_prob", 0) or module._forward_hooks)
