"""Read the secrets that references name. Only activities and workers call this; values are never stored.

Every value that is read is redacted from then on in all that the process writes. A value is read at each use,
so that a rotated file needs no restart.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from holdfast_workflows.contracts.control.secrets import PLACEHOLDER, is_reference, references_in
from holdfast_workflows.contracts.errors import SecretMissing
from holdfast_workflows.contracts.text.redaction import learn


def resolve(reference: str, environ: Mapping[str, str] | None = None, *, kind: str = "secret") -> str:
    """The value of ``env:NAME`` or ``file:/path``, without surrounding white space.

    ``environ`` replaces the process's environment. ``kind`` stands for the value where it is redacted.

    Raises:
        SecretMissing: The variable or file is missing or empty; the detail names it.
    """
    where, _, place = reference.partition(":")
    variables = os.environ if environ is None else environ
    value = (_from_file(place) if where == "file" else variables.get(place, "")).strip()
    if not value:
        raise SecretMissing(f"file {place} is empty" if where == "file" else f"variable {place} is not set")
    learn(value, kind)
    return value


def fill(text: str, environ: Mapping[str, str] | None = None) -> str:
    """The text with the values of its references: ``env:NAME``, or ``Bearer ${env:NAME}``.

    Raises:
        SecretMissing: A value is missing.
    """
    if is_reference(text):
        return resolve(text, environ)
    return PLACEHOLDER.sub(lambda found: resolve(found[1], environ), text)


def missing(texts: Iterable[str], environ: Mapping[str, str] | None = None) -> list[SecretMissing]:
    """The errors of the references in the texts that have no value, each once."""
    found: list[SecretMissing] = []
    for reference in dict.fromkeys(each for text in texts for each in references_in(text)):
        try:
            resolve(reference, environ)
        except SecretMissing as error:
            found.append(error)
    return found


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise SecretMissing(f"file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretMissing(f"file {path} is not UTF-8 text") from None
