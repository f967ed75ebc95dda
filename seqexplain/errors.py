"""Every error a user can meet.

Each class derives from `SeqExplainError` and from the built-in that fits, so that callers may catch either.
A message says what is wrong, what was received, what is wanted and how to mend it.
"""

from __future__ import annotations


class SeqExplainError(Exception):
    """Base of all errors that seqexplain raises on purpose."""


class ShapeError(SeqExplainError, ValueError):
    """An array has a shape or content that cannot be used."""


class SequenceError(SeqExplainError, ValueError):
    """A sequence, record or interval cannot be used; the message names file, record and line."""


class FileFormatError(SeqExplainError, ValueError):
    """A file is not in the format that is expected."""


class MissingFileError(SeqExplainError, FileNotFoundError):
    """A file that was named does not exist."""

    def __str__(self) -> str:
        """Return the plain message: `OSError` would print its errno tuple."""
        return str(self.args[0]) if self.args else ""


class ParameterError(SeqExplainError, ValueError):
    """A parameter has a value that makes no sense."""


class ModelLoadError(SeqExplainError, ValueError):
    """A model file cannot be opened."""


class UnsafeModelError(ModelLoadError):
    """A model file holds code (a Lambda layer, say) that the user has not allowed by name."""


class UnsupportedLayerError(SeqExplainError, TypeError):
    """A layer has no rule for the chosen method; the message names the layer, its class and what to do."""


class RegistrationError(SeqExplainError, TypeError):
    """A class cannot be registered: it is built in, or has another function already."""


class TargetError(SeqExplainError, ValueError):
    """The scalar to explain is missing, ambiguous or does not exist; the message lists what exists."""


class BackendError(SeqExplainError, RuntimeError):
    """The Keras backend that was asked for cannot be had."""


class IncrementalError(SeqExplainError, RuntimeError):
    """Computing only what an edit changes gave another score than the whole model; the message names the layer."""


class StorageError(SeqExplainError, OSError):
    """A result store cannot be read, or belongs to another run."""

    def __str__(self) -> str:
        """Return the plain message: `OSError` would print its errno tuple."""
        return str(self.args[0]) if self.args else ""


class LibraryError(SeqExplainError, RuntimeError):
    """A library that does a part of the work failed; the message gives its own words."""


class MissingExtraError(SeqExplainError, ImportError):
    """An optional dependency is not installed; the message gives the pip command."""


class SeqExplainWarning(UserWarning):
    """Base of all warnings of seqexplain."""


class CompletenessWarning(SeqExplainWarning):
    """Contributions do not sum to the difference in score within tolerance."""


class ShuffleWarning(SeqExplainWarning):
    """A sequence has fewer distinct shuffles than were asked for."""


class SequenceWarning(SeqExplainWarning):
    """A record was skipped, cut or padded on the user's own instruction."""


class ScoreWarning(SeqExplainWarning):
    """The model gives a sequence, or edits of it, a score that is not a finite number; the message names it."""
