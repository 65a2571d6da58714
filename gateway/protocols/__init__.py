"""Protocol decoders: bytes and the time go in, events come out; nothing raises on bad bytes.

frames ─▶ listener (isotp, j1939_tp) ─▶ messages ─▶ messages.decode (obd, uds, j1939) ─▶ answers
"""
