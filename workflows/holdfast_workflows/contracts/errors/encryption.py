"""Errors of encryption: keys, payloads and rows."""

from .base import HoldfastError
from .requests import SettingsInvalid


class EncryptionError(HoldfastError, code="encryption", kind="permanent"):
    """Encrypted data cannot be used."""


class KeysInvalid(SettingsInvalid, code="keys_invalid"):
    """The encryption keys cannot be used; correct HOLDFAST_KEYS, or the file or variable that it names."""


class KeyInUse(SettingsInvalid, code="key_in_use"):
    """The key is still used; run `holdfast keys reencrypt`, wait until no session needs it, then remove it."""


class KeysMissing(EncryptionError, code="keys_missing"):
    """The data is encrypted, and this process has no keys; set HOLDFAST_KEYS as the workers have it."""


class KeyUnknown(EncryptionError, code="key_unknown"):
    """The data is encrypted with a key that HOLDFAST_KEYS does not have; add the key that the detail names."""


class DecryptionFailed(EncryptionError, code="decryption_failed"):
    """Encrypted data does not decrypt: it belongs to another namespace or row, or was changed; use the namespace that it was written in, or restore it from a backup."""


class ClearRefused(EncryptionError, code="clear_refused"):
    """The data is not encrypted, although HOLDFAST_KEYS is set; if it is older than the keys, set HOLDFAST_ACCEPT_CLEAR=true, otherwise do not trust it."""
