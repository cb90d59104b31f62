"""Dropout: activations are left out at random; where, is the network's affair."""

from animal_cls.regularizers import Method


class Dropout(Method):
    """The probability that is handed to the network's dropout argument (https://jmlr.org/papers/v15/srivastava14a.html).

    It acts where a key of the config repeats it, such as `model.dropout: ${reg.dropout}`.
    """

    acts_on = "another key"

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(f"reg.dropout={strength}: a probability in [0, 1) is needed: 1 would drop everything.")
        super().__init__(strength)
