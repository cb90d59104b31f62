"""What lies in a folder of images and is not used: counted by reason and suffix, and said."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from animal_cls.data.sources.contents import suffix
from animal_cls.files.naming import listed

HIDDEN = "hidden, or of the operating system"
NO_IMAGE = "no image"
UNREAD_FORMAT = "in a format that is not read: convert them"
OWN_OUTPUT = "output of animal_cls"
NO_CLASS = "in no class folder"
NO_SPLIT = "in a folder that is no split"
LEADS_OUT = "behind a link out of data.root"
UNREADABLE = "unreadable"

QUIET = (HIDDEN, NO_IMAGE)  # hardly images, which are counted in the result and need no warning


@dataclass(frozen=True, kw_only=True)
class Unused:
    """One file, or one folder with all that is in it (its path ends in "/")."""

    path: str  # relative to the root
    reason: str

    def below(self, folder: str) -> "Unused":
        """The same, seen from further above: `folder` is empty or ends in "/"."""
        return replace(self, path=folder + self.path) if folder else self


def counted(unused: Iterable[Unused]) -> list[dict[str, Any]]:
    """How many there are of each reason and suffix, as result.json and images.json have it, the most first."""
    counts = Counter((one.reason, "/" if one.path.endswith("/") else suffix(one.path)) for one in unused)
    return [{"reason": reason, "suffix": kind, "n": n} for (reason, kind), n in counts.most_common()]


def unreadable(reasons: Mapping[str, str]) -> list[Unused]:
    """Path -> why this image cannot be read, as unused images."""
    return [Unused(path=path, reason=f"{UNREADABLE}: {reason}") for path, reason in reasons.items()]


def led_out(links: Iterable[str]) -> list[Unused]:
    """Links that lead out of the root, as unused images."""
    return [Unused(path=path, reason=LEADS_OUT) for path in links]


def described(unused: Sequence[Unused]) -> Iterator[str]:
    """A sentence for each reason: how many, of which suffixes, and the first by name."""
    for reason in dict.fromkeys(one.reason for one in unused):
        found = [one for one in unused if one.reason == reason]
        n = len(found)
        verb = "is" if n == 1 else "are"
        yield f"{n:,} {_kinds(found)} {verb} not used, {reason}: {listed([one.path for one in found])}"


def by_reason(unused: Sequence[Unused]) -> str:
    """How many there are of each reason, with their suffixes, in one line."""
    reasons = dict.fromkeys(one.reason for one in unused)
    found = {reason: [one for one in unused if one.reason == reason] for reason in reasons}
    return "; ".join(f"{len(ones):,} {reason} ({by_suffix(ones)})" for reason, ones in found.items()) or "none"


def by_suffix(unused: Iterable[Unused]) -> str:
    """Their suffixes with their numbers, as `9 .txt, 2 without a suffix`."""
    counts = Counter[str]()
    for row in counted(unused):
        counts[row["suffix"]] += row["n"]
    names = {"": "without a suffix", "/": "folders"}
    return ", ".join(f"{n:,} {names.get(kind, kind)}" for kind, n in counts.most_common())


def _kinds(found: Sequence[Unused]) -> str:
    """What they are, after their number: `files (5 .jpg, 4 .png)`."""
    one = len(found) == 1
    if all(item.path.endswith("/") for item in found):
        return "folder" if one else "folders"
    return f"{'file' if one else 'files'} ({by_suffix(found)})"
