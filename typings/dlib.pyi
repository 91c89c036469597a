# dlib's functions live in a compiled module without types: without this file pyright finds none of them.
from typing import Any

def __getattr__(name: str) -> Any: ...
