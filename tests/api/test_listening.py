"""The socket of the API: what is accepted from it answers at once."""

from __future__ import annotations

import socket
from contextlib import closing

from onbeat.runtime.listening import listen


def test_an_answer_in_two_writes_does_not_wait_for_the_client_s_acknowledgement() -> None:
    with (
        closing(listen("127.0.0.1", 0)) as listener,
        closing(socket.create_connection(listener.getsockname()[:2])),
        closing(listener.accept()[0]) as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
