"""Dropout: activations are left out at random; where, is the network's affair."""

from animal_cls.regularizers import Card, Method


class Dropout(Method):
    """The probability that is handed to the network's dropout argument (https://jmlr.org/papers/v15/srivastava14a.html).

    It acts where a key of the config repeats it, such as `model.dropout: ${reg.dropout}`.
    """

    acts_on = "another key"
    card = Card(
        does="Activations are set to 0 at random while training, and the others scaled up. Where, is the "
        "network's affair.",
        strength="probability p in [0, 1) that an activation is dropped",
        formula="h = h * mask / (1 - p), mask ~ Bernoulli(1 - p)",
        source="https://jmlr.org/papers/v15/srivastava14a.html",
        values=(0.3, 0.1, 0.5),
        values_from="0.3 the first report; 0.5 the paper for hidden layers",
        cost="nothing that can be measured",
        needs="a network with an argument that repeats it, as model.dropout: ${reg.dropout}",
        no_effect="no key of the config follows it",
    )

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(f"reg.dropout={strength}: a probability in [0, 1) is needed: 1 would drop everything.")
        super().__init__(strength)
