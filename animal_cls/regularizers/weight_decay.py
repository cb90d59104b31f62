"""Weight decay: weights are drawn to 0; how, is the optimizer's affair."""

from animal_cls.regularizers import Method


class WeightDecay(Method):
    """The coefficient that is handed to the optimizer's weight_decay argument.

    With Adam and SGD it is L2, a term in the gradient; with AdamW it is decoupled (https://arxiv.org/abs/1711.05101).
    It acts where a key of the config repeats it, such as `optimizer.weight_decay: ${reg.weight_decay}`.
    """

    acts_on = "another key"
