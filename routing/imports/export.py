"""Writes the directory in the forms of docs/directory.md, which import as they stand.

A title verified by signature is written as a document that was seen: a table cannot carry the
signature, and whoever reads it has not checked it.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date

from routing.imports import credentials as credential_form
from routing.imports import people as people_form
from routing.imports import site_fields as site_form
from routing.imports.absences import format_absences
from routing.imports.rates import format_rates
from routing.imports.service_area import format_service_area
from routing.model import Credential, Evidence, Person, Site

_YES_NO = {True: "yes", False: "no", None: ""}

type Cells = dict[str, str]


def sites_csv(sites: Iterable[Site]) -> str:
    """The sites, without their people."""
    return _table((*site_form.REQUIRED, *site_form.OPTIONAL), map(_site, sites))


def sites_geojson(sites: Iterable[Site]) -> str:
    """The same as a FeatureCollection, one feature on a line."""
    features = ",\n".join(json.dumps(_feature(site), ensure_ascii=False) for site in sites)
    return f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'


def people_csv(sites: Iterable[Site]) -> str:
    """What is known of the people beside their titles: a row for everyone."""
    columns = (*people_form.REQUIRED, *people_form.OPTIONAL)
    return _table(columns, (_person(site, person) for site in sites for person in site.people))


def credentials_csv(sites: Iterable[Site]) -> str:
    """Who holds what."""
    columns = (*credential_form.REQUIRED, *credential_form.OPTIONAL)
    return _table(
        columns,
        (
            _credential(site, person, credential)
            for site in sites
            for person in site.people
            for credential in person.credentials
        ),
    )


def _table(columns: Sequence[str], rows: Iterable[Cells]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _site(site: Site) -> Cells:
    return {
        "site": site.site_id,
        "name": site.name,
        "lon": repr(site.position.lon_deg),
        "lat": repr(site.position.lat_deg),
        "country": site.country,
        "vehicle_classes": ";".join(sorted(site.vehicle_classes)),
        "makes": ";".join(sorted(site.makes)),
        "equipment": ";".join(sorted(site.equipment)),
        "access": ";".join(sorted(site.access)),
        "opening_hours": site.opening_hours or "",
        "absences": format_absences(site.absences),
        "service_area": format_service_area(site.service_area) if site.service_area else "",
        "van": "yes" if site.is_van else "",
        "cases_per_day": "" if site.cases_per_day is None else str(site.cases_per_day),
        "hourly_rates": format_rates(site.hourly_rates),
        "languages": ";".join(sorted(site.languages)),
        "networks": ";".join(sorted(site.networks)),
        "insurers": ";".join(sorted(site.insurers)),
        "replacement_car": _YES_NO[site.has_replacement_car],
    }


def _feature(site: Site) -> dict[str, object]:
    cells = _site(site)
    properties = {name: cells[name] for name in ("name", *site_form.OPTIONAL) if cells[name]}
    return {
        "type": "Feature",
        "id": site.site_id,
        "geometry": {
            "type": "Point",
            "coordinates": [site.position.lon_deg, site.position.lat_deg],
        },
        "properties": properties,
    }


def _person(site: Site, person: Person) -> Cells:
    return {
        "site": site.site_id,
        "person": str(person.number),
        "employer": person.employer,
        "employed_from": _day(person.employed_from),
        "employed_until": _day(person.employed_until),
        "hours": person.hours or "",
        "absences": format_absences(person.absences),
    }


def _credential(site: Site, person: Person, credential: Credential) -> Cells:
    is_signed = credential.evidence is Evidence.VERIFIED
    revoked = "yes" if credential.is_revoked else _day(credential.revoked_on)
    return {
        "site": site.site_id,
        "person": str(person.number),
        "scheme": credential.scheme,
        "title": credential.title,
        "valid_from": _day(credential.valid_from),
        "valid_until": _day(credential.valid_until),
        "evidence": Evidence.DOCUMENT_SEEN if is_signed else credential.evidence,
        "revoked": revoked,
        "suspended": "yes" if credential.is_suspended else "",
        "employer": credential.employer,
        "edition": credential.edition,
        "scope": credential.scope,
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
