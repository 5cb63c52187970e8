"""The errors that users can cause, and so can mend."""


class RecipeError(ValueError):
    """A recipe or config name that does not say what to do.

    >>> import cifar10_aug
    >>> cifar10_aug.Recipe.parse("rotate200")
    Traceback (most recent call last):
    cifar10_aug.errors.RecipeError: 'rotate200': degrees is '200': out of range; it takes n or ...
    """


class SourceError(ValueError):
    """Input data that is missing, damaged or not what it claims to be."""


class ExportError(RuntimeError):
    """Frozen epochs that cannot be written, or are not what they should be."""


class RegistrationError(ValueError):
    """A function that cannot be an op as it was given."""


class PythonOpError(RuntimeError):
    """A registered function that failed; the first line says where, the rest is its traceback."""
