"""What every download has in common: addresses that can be trusted, and why one failed."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pooch
from requests import Response
from requests.exceptions import HTTPError, InvalidURL, RequestException

from mpe_lib.errors import UserError


def cache() -> Path:
    """Where downloads are kept, and what is made once: a folder of the user's."""
    return pooch.os_cache("mpe")


def check_address(url: str) -> None:
    """That nobody can change underway what is downloaded, or learn of it.

    Raises:
        UserError: no https, and not this machine.
    """
    if not _trusted(url):
        raise UserError(f"{url} is no https address", "only this machine may be asked without")


def downloader(**options: Any) -> Any:  # pooch's class, which its protocol does not fit
    """For pooch: one that follows no redirect to an address that `check_address` refuses; requests asks there never."""
    pooch.get_logger().setLevel("WARNING")  # it tells every file otherwise
    return pooch.HTTPDownloader(hooks={"response": _check_redirect}, **options)


def failure(error: RequestException | ValueError, url: str) -> str:
    """Why nothing came from this address, or what came is not taken: pooch's ValueError."""
    if not isinstance(error, RequestException):
        return "it is not the one expected (SHA-256)"
    if isinstance(error, HTTPError):
        return f"the server answers {error}"
    if isinstance(error, InvalidURL):
        return str(error)
    return f"no connection to {urlsplit(url).hostname}, or it broke off"


def _trusted(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # half an address of IPv6
        return False
    try:
        local = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = parts.hostname == "localhost"
    return parts.scheme == "https" or (parts.scheme == "http" and local)


def _check_redirect(response: Response, *_: Any, **__: Any) -> None:
    """Called by requests with every answer, before it goes where that leads."""
    if response.is_redirect:
        target = urljoin(response.url, response.headers["location"])
        if not _trusted(target):
            raise InvalidURL(f"the server leads to {target}, which is no https address")
