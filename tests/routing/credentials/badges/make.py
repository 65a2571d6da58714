"""Makes the signed credentials beside this file, with openbadgeslib, which the tests never import.

    python -m venv /some/where && /some/where/bin/pip install openbadgeslib==4.6.3
    /some/where/bin/python tests/routing/badges/make.py

The private keys are forgotten at the end: made anew, the files differ, and the tests still pass.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from openbadgeslib.ob3 import (
    Achievement,
    Issuer,
    OB3Signer,
    OpenBadgeCredential,
    build_status_list_credential,
    sign_status_list_credential,
    status_entry,
)

FOLDER = Path(__file__).parent
SCHOOL = "https://school.example/issuer"
BADGE = "https://school.example/achievements/2s"
LIST = "https://school.example/status/revocation"
HOLDER = "did:example:holder-7"
KEYS: dict[str, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
}
BEGIN, END = datetime(2025, 3, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)


def pem(algorithm: str) -> bytes:
    return KEYS[algorithm].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def credential(index: int) -> OpenBadgeCredential:
    return OpenBadgeCredential(
        issuer=Issuer(id=SCHOOL, name="School"),
        recipient_id=HOLDER,
        achievement=Achievement(
            id=BADGE,
            name="High voltage 2S",
            description="Qualified for work on de-energised high-voltage systems",
            criteria_narrative="Course and examination",
        ),
        issuance_date=BEGIN,
        expiration_date=END,
        credential_status=[status_entry(LIST, "revocation", index)],
    )


def main() -> None:
    signers = {name: OB3Signer(pem(name), algorithm=name) for name in KEYS}
    made = {name: signer.sign(credential(5)) for name, signer in signers.items()}
    made["revoked"] = signers["EdDSA"].sign(credential(7))
    revocations = build_status_list_credential(
        SCHOOL, LIST, "revocation", [7], issued=BEGIN, valid_until=END
    )
    # The claim `nbf` of the list is the moment of signing, whatever the document says.
    made["list"] = sign_status_list_credential(revocations, pem("EdDSA"), "EdDSA")
    keys = [signer._public_jwk() for signer in signers.values()]
    trust = {
        "issuers": [{"id": SCHOOL, "keys": keys, "titles": {BADGE: ["de-dguv-209-093", "2S"]}}]
    }
    for name, token in made.items():
        FOLDER.joinpath(f"{name}.jwt").write_text(token + "\n", encoding="utf-8")
    text = json.dumps(trust, indent=2)
    FOLDER.joinpath("trust.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
