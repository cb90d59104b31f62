"""What is said of predictions: who makes them, and what they come to."""

from collections.abc import Iterator, Sequence

from animal_cls.files.naming import listed
from animal_cls.files.text import percent, plural
from animal_cls.use.predict import Tally
from animal_cls.use.trained import Trained

UNCALIBRATED = "Probabilities are as the network has them, not calibrated."
CONFUSIONS = 3  # that are named
FEW = 50  # images of val below which a temperature is a guess


def notes(networks: Sequence[Trained], *, why: str, tta: bool) -> Iterator[str]:
    """What there is to know of who predicts."""
    if why:
        yield why
    for one in networks:
        result = one.result
        yield f"{one.folder}: {result.model}, reg={result.reg}, {result.repeat}, {result.checkpoint} checkpoint"
    yield calibration(networks)
    if tta:
        yield "Each image is seen with its mirror image."


def calibration(networks: Sequence[Trained]) -> str:
    """Whether probabilities are calibrated, and of several networks of which they are not."""
    temperatures = ", ".join(f"{one.temperature:.2f}" for one in networks if one.temperature is not None)
    bare = [str(one.folder) for one in networks if not one.is_calibrated]
    if not temperatures:
        return UNCALIBRATED
    told = f"Probabilities are calibrated on val: temperature {temperatures}.{_few(networks)}"
    return f"{told} Not calibrated, as there is no val to fit one: {listed(bare)}." if bare else told


def _few(networks: Sequence[Trained]) -> str:
    """Of a val too small to fit a temperature, its size."""
    n = min(one.result.splits["val"].n for one in networks if one.temperature is not None)
    return f" That is a guess, from {plural(n, 'image')} of val." if n < FEW else ""


def summary(tally: Tally) -> Iterator[str]:
    """What all of it comes to."""
    counts = sorted(zip(tally.counts.tolist(), tally.classes, strict=True), key=lambda pair: -pair[0])
    yield f"{plural(tally.n, 'image')}: {', '.join(f'{name} {n:,}' for n, name in counts if n) or 'none'}"
    if tally.unread:
        named = "; ".join(f"{path} ({why})" for path, why in tally.first_unread)
        more = f"; and {tally.unread - len(tally.first_unread):,} more" * (tally.unread > len(tally.first_unread))
        yield f"{tally.unread:,} cannot be read: {named}{more}"
    if tally.accuracy is not None:
        yield f"By the names of their folders: {percent(tally.accuracy)} of {tally.known:,} are right.{_taken(tally)}"
        if tally.strange:
            yield f"Folders called like no class of the run, which do not count there: {listed(list(tally.strange))}"


def _taken(tally: Tally) -> str:
    """The most frequent mistakes."""
    wrong = tally.confusion.copy()
    wrong[range(len(wrong)), range(len(wrong))] = 0
    order = wrong.ravel().argsort()[::-1][:CONFUSIONS]
    pairs = [(divmod(int(at), len(wrong)), int(wrong.ravel()[at])) for at in order if wrong.ravel()[at]]
    told = [f"{tally.classes[true]} for {tally.classes[said]} {n:,}" for (true, said), n in pairs]
    return f" Most often taken: {', '.join(told)}." if told else ""
