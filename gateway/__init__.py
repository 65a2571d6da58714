"""Bytes in, fault reports out: sources, device dialects and protocol decoders.

Read-only towards vehicles: nothing here clears a code or actuates anything. Decoders never raise;
what cannot be decoded leaves as a rejection with its bytes and a reason.
"""
