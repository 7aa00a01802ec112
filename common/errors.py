"""What a person is told when something cannot be done."""


class KitError(ValueError):
    """One sentence for the person at the screen: what, where, what to do.

    Every other exception is a bug of the kit and shows its traceback.
    """
