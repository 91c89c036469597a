"""Run papermill or nbconvert without the fault that makes one run in a hundred wait for ever:

    python tools/mended.py papermill IN.ipynb OUT.ipynb -p name value
    python tools/mended.py nbconvert --to notebook --execute IN.ipynb

Below a slider nbclient answers the kernel on the socket that it awaits replies on. jupyter_client (8.10) sends past the
asyncio side of that socket, which then overlooks a reply that comes in the same moment (jupyter_client issue 922). To
ask the socket for its events after sending is enough.
"""

import runpy
import sys
from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel


def main() -> None:
    send = AsyncZMQSocketChannel.send

    def send_and_look(self: AsyncZMQSocketChannel, msg: dict[str, Any]) -> None:
        send(self, msg)
        self.socket.get(zmq.EVENTS)

    AsyncZMQSocketChannel.send = send_and_look
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
