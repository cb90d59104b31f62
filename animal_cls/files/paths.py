"""Where the package's own files lie."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# In a checkout conf/ lies beside the package, in a wheel inside it; editable installs may hold both, the first counts.
CONF = next(
    (path for path in (PACKAGE.parent / "conf", PACKAGE / "conf") if (path / "config.yaml").is_file()), PACKAGE / "conf"
)
