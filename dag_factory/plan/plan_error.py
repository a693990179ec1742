"""The error of a plan that cannot be made."""


class PlanError(Exception):
    """The plan could not be made. The text is for the user: what is wrong, then what to do."""
