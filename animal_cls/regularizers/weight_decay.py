"""Weight decay: weights are drawn to 0; how, is the optimizer's affair."""

from animal_cls.regularizers import Card, Method


class WeightDecay(Method):
    """The coefficient that is handed to the optimizer's weight_decay argument.

    With Adam and SGD it is L2, a term in the gradient; with AdamW it is decoupled (https://arxiv.org/abs/1711.05101).
    It acts where a key of the config repeats it, such as `optimizer.weight_decay: ${reg.weight_decay}`.
    """

    acts_on = "another key"
    card = Card(
        does="Weights are drawn to 0 in proportion to their size. With adam and sgd by a term in the gradient (L2), "
        "with adamw directly.",
        strength="coefficient of the weights in the gradient (adamw: of the weights in lr * coefficient * w)",
        formula="g = g + strength * w (adamw: w = w - lr * strength * w)",
        source="https://arxiv.org/abs/1711.05101",
        values=(1e-5, 1e-4, 5e-4, 1e-2),
        values_from="1e-5 the first report; 5e-4 usual for SGD on CIFAR; 1e-2 AdamW's default in torch",
        cost="nothing",
        needs="an optimizer with an argument that repeats it, as optimizer.weight_decay: ${reg.weight_decay}",
        no_effect="the optimizer has no weight_decay",
    )
