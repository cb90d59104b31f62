"""The one exception for what a user can get wrong."""


class UserError(Exception):
    """A mistake that the user can mend; the program prints this message alone, without a traceback.

    The message names the full key or the file, the value that was found, and the way out.
    """


class WeightsUnavailable(UserError):
    """Published weights could be fetched from nowhere: a run that needs them is skipped, not failed."""
