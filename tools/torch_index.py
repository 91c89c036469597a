"""Print the pip option for PyTorch's own index of CPU wheels, gigabytes smaller than the normal ones.

Prints nothing where there is an NVIDIA GPU, or where that index gives no answer within three seconds.
"""

import contextlib
import http.client
import shutil
import threading
import urllib.request

INDEX = "https://download.pytorch.org/whl/cpu"


def ask(answered: threading.Event) -> None:
    request = urllib.request.Request(f"{INDEX}/torch/", method="HEAD")
    with contextlib.suppress(OSError, http.client.HTTPException), urllib.request.urlopen(request, timeout=3):
        answered.set()


if __name__ == "__main__" and not shutil.which("nvidia-smi"):
    answered = threading.Event()
    # A thread, because urlopen's timeout does not cover a name server that is silent.
    threading.Thread(target=ask, args=[answered], daemon=True).start()
    if answered.wait(3):
        print(f"--extra-index-url {INDEX}")
