"""The one exception for what a user can get wrong."""


class UserError(Exception):
    """A mistake that the user can mend; the program prints this message alone, without a traceback.

    The message names the full key or the file, the value that was found, and the way out.
    """


class Skipped(UserError):
    """A run that is passed over, not failed: what it needs cannot be had here, or it would be another one's double."""


class WeightsUnavailable(Skipped):
    """Published weights could be fetched from nowhere."""


class WithoutEffect(Skipped):
    """A method of the run finds nothing that it could act on."""
