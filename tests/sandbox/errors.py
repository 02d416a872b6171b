"""The one error of the sandbox."""


class SandboxError(Exception):
    """The sandbox cannot do what was asked; the message says what to do about it, in a sentence a person can follow."""
