"""What papermill and nbconvert need to run a notebook with a slider to its end."""

from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel


def mend_sockets() -> None:
    """Mend the fault that makes one run in a hundred wait for ever.

    Below a slider nbclient answers the kernel on the socket that it awaits replies on. jupyter_client (8.10) sends
    past the asyncio side of that socket, which then overlooks a reply that comes in the same moment (jupyter_client
    issue 922). To ask the socket for its events after sending is enough.
    """
    send = AsyncZMQSocketChannel.send
    if send.__name__ == "send_and_look":
        return

    def send_and_look(self: AsyncZMQSocketChannel, msg: dict[str, Any]) -> None:
        send(self, msg)
        self.socket.get(zmq.EVENTS)

    AsyncZMQSocketChannel.send = send_and_look
