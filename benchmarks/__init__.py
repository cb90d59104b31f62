"""The figures of the README and the docs, each with the command that makes it."""
