"""The root of every error this package raises for a cause that its user can mend."""


class EdfiCteError(Exception):
    """Says what is wrong, where, and what to do; never carries a student's id, a payload or a secret."""

    transient: bool = False
    """Whether trying again later may help, with nothing changed."""
