"""ISO-TP between two CAN ids: can-isotp's state machine without its thread.

The library calls a function for its next frame and another one to send; here both are queues that
the owner fills and empties, so that one thread can serve every link of a vehicle.
"""

from collections import deque
from collections.abc import Callable

import isotp

from simulators.model import Frame

PADDING = 0xAA
"""What fills a frame after its payload; real control units use 00, 55, AA, CC and FF."""


def single_frame_payload(data: bytes) -> bytes | None:
    """Return the payload of a single frame, None if it is none (ISO 15765-2)."""
    if not data or not 1 <= data[0] <= 7 or len(data) <= data[0]:
        return None
    return data[1 : 1 + data[0]]


class Link:
    """One end of an ISO-TP connection."""

    def __init__(
        self,
        *,
        send_id: int,
        receive_id: int,
        is_extended: bool,
        send: Callable[[Frame], None],
    ) -> None:
        self.receive_id = receive_id
        self._inbox: deque[isotp.CanMessage] = deque()
        mode = (
            isotp.AddressingMode.Normal_29bits
            if is_extended
            else isotp.AddressingMode.Normal_11bits
        )

        def send_message(message: isotp.CanMessage) -> None:
            send(Frame(message.arbitration_id, bytes(message.data), is_extended=is_extended))

        self._logic = isotp.TransportLayerLogic(
            rxfn=self._next_message,
            txfn=send_message,
            address=isotp.Address(mode, txid=send_id, rxid=receive_id),
            error_handler=_ignore,
            params={"tx_padding": PADDING, "blocksize": 0, "stmin": 0, "wait_func": _no_wait},
        )

    def receive(self, frame: Frame) -> list[bytes]:
        """Take one frame that bears ``receive_id``; return the messages it completes."""
        self._inbox.append(
            isotp.CanMessage(
                arbitration_id=frame.can_id,
                dlc=len(frame.data),
                data=frame.data,
                extended_id=frame.is_extended,
            )
        )
        return self.tick()

    def send(self, payload: bytes) -> None:
        """Send a message, or as much of it as may go before the other end's flow control."""
        self._logic.send(payload)
        self.tick()

    def tick(self) -> list[bytes]:
        """Send what is due and give up what is late; return the messages that are complete."""
        self._logic.process()
        messages = []
        while (message := self._logic.recv()) is not None:
            messages.append(bytes(message))
        return messages

    @property
    def is_receiving(self) -> bool:
        """A message has begun and its end has not come."""
        return bool(self._logic.rx_state != isotp.TransportLayerLogic.RxState.IDLE)

    @property
    def wait_s(self) -> float | None:
        """How long until `tick` has something to do if no frame comes; None while idle."""
        logic = self._logic
        timers = (logic.timer_rx_cf, logic.timer_rx_fc, logic.timer_tx_stmin)
        waits = [timer.remaining() for timer in timers if not timer.is_stopped()]
        return min(waits) if waits and (self.is_receiving or logic.transmitting()) else None

    def _next_message(self, _timeout_s: float) -> isotp.CanMessage | None:
        return self._inbox.popleft() if self._inbox else None


def _ignore(error: Exception) -> None:
    """Let a broken transfer be: whoever waits for it has a deadline of its own."""


def _no_wait(seconds: float) -> None:
    """Stand in for sleeping, which the library tries out once for each link."""
