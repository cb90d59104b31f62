"""The one exception for what a user can get wrong."""


class UserError(Exception):
    """A mistake that the user can mend; the program prints this message alone, without a traceback.

    The message names the full key or the file, the value that was found, and the way out.
    """


class CannotBe(UserError):
    """A run that would not be what it is called, through nobody's mistake: a sweep passes it over as skipped."""


class WeightsUnavailable(CannotBe):
    """Published weights could be fetched from nowhere."""


class WithoutEffect(CannotBe):
    """A method finds nothing that it could act on: without it, the run would be the same."""
