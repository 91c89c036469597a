"""What every download has in common: addresses that can be trusted, and why one failed."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from requests.exceptions import HTTPError, RequestException

from mpe_lib.errors import UserError


def check_address(url: str) -> None:
    """That nobody can change underway what is downloaded, or learn of it.

    Raises:
        UserError: no https, and not this machine.
    """
    parts = urlsplit(url)
    try:
        local = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = parts.hostname == "localhost"
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise UserError(f"{url} is no https address", "only this machine may be asked without")


def failure(error: RequestException, url: str) -> str:
    """Why nothing came from this address."""
    if isinstance(error, HTTPError):
        return f"the server answers {error}"
    return f"no connection to {urlsplit(url).hostname}, or it broke off"
