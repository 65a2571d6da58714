"""What a directory says, as a digest: SHA-256 over those of its sites in the order of their ids.

Each site has a digest of its own, so that a change of one does not take all others to be read. It
is over JSON with the site's fields in the order of their definition and its sets sorted, followed
by its people and their titles in the order of their bytes. Of the later fields only those are in it
that say something, by name, so that a site keeps its digest when fields are added.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from routing.model import Person, Site

DIGEST_BYTES = 32

_JSON = msgspec.json.Encoder(order="deterministic")
_AFTER = [field.name for field in fields(Site)].index("people")
_LATER = tuple(field.name for field in fields(Site)[_AFTER + 1 :])
_USUAL = tuple(field.default for field in fields(Site)[_AFTER + 1 :])
_first_fields_of = attrgetter(*(field.name for field in fields(Site)[:_AFTER]))
_later_fields_of = attrgetter(*_LATER)
_fields_of_person = attrgetter(
    *(field.name for field in fields(Person) if field.name != "credentials")
)


def site_digests(sites: Iterable[Site]) -> NDArray[np.uint8]:
    """One row of `DIGEST_BYTES` for each site, in their order."""
    writer = _Writer()
    digests = b"".join(hashlib.sha256(writer.site(site)).digest() for site in sites)
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, DIGEST_BYTES)


def whole_digest(digests: NDArray[np.uint8]) -> str:
    """Of all sites, hexadecimal, from theirs in the order of the directory."""
    return hashlib.sha256(digests.tobytes()).hexdigest()


class _Writer:
    """Writes sites; what many share is written once.

    Equal titles are one object as a rule, and who asks holds them meanwhile: they are known by
    their identity. Of most people nothing but their number is known.
    """

    def __init__(self) -> None:
        self._titles: dict[int, bytes] = {}
        self._people: dict[tuple[object, ...], bytes] = {}

    def site(self, site: Site) -> bytes:
        own: list[object] = [*_first_fields_of(site)]
        later = _later_fields_of(site)
        if later != _USUAL:
            stated = zip(_LATER, later, _USUAL, strict=True)
            own.append({name: value for name, value, usual in stated if value != usual})
        people = sorted(map(self._person, site.people))
        return b"".join((_JSON.encode(own), b"[", b",".join(people), b"]"))

    def _person(self, person: Person) -> bytes:
        known = _fields_of_person(person)
        own = self._people.get(known)
        if own is None:
            own = self._people[known] = _JSON.encode(known)
        titles = self._titles
        try:
            held = [titles[id(credential)] for credential in person.credentials]
        except KeyError:
            for credential in person.credentials:
                titles[id(credential)] = _JSON.encode(credential)
            held = [titles[id(credential)] for credential in person.credentials]
        held.sort()
        return own + b",".join(held)
