"""Lets `make lab` be used from a codespace, which shows its ports at an address of its own.

A codespace forwards a port privately unless told otherwise. Every other address is refused as before, and the token is
asked for as before.
"""

import os

if "CODESPACE_NAME" in os.environ:
    name, domain = os.environ["CODESPACE_NAME"], os.environ["GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"]
    c.ServerApp.allow_origin = f"https://{name}-8888.{domain}"  # noqa: F821 (c is Jupyter's)
