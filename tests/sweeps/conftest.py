"""Made-up results, as the tests of the report have them."""

from tests.report.conftest import make_result, make_split  # noqa: F401  # fixtures
