"""One spelling for each carmaker, so that what a fleet and a garage call it is the same word."""

import unicodedata

_NAME_OF = {
    "vw": "volkswagen",
    "volkswagen commercial vehicles": "volkswagen",
    "vw nutzfahrzeuge": "volkswagen",
    "mercedes": "mercedes-benz",
    "mercedes benz": "mercedes-benz",
    "mercedes-benz trucks": "mercedes-benz",
    "mercedes-benz (sprinter)": "mercedes-benz",
    "daimler ag (sprinter)": "mercedes-benz",
    "daimlerchrysler ag/daimler ag": "mercedes-benz",
    "bmw ag": "bmw",
    "bmw m": "bmw",
    "tesla motors usa": "tesla",
    "tesla china": "tesla",
    "tesla germany": "tesla",
    "volvo cars": "volvo",
    "renault trucks/volvo": "renault trucks",
    "scania, sodertalje": "scania",
    "daf trucks": "daf",
    "citroen": "citroen",
    "porsche car": "porsche",
    "porsche suv": "porsche",
    "rolls royce": "rolls-royce",
}


def make_of(text: str) -> str:
    """The make in lower case, without accents, under its usual name; empty for nothing.

    Cars and trucks that share a name but not a workshop (Volvo, Renault) keep different words.
    """
    plain = unicodedata.normalize("NFKD", text.strip().casefold())
    plain = " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
    return _NAME_OF.get(plain, plain)
