"""Key pairs as a client makes them: the private half signs, the public half is registered."""

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()


def rsa_pair():
    """Return (signer, public key in PEM)."""
    key = generate_private_key(65_537, 2_048)
    return lambda text: b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode(), _pem(key)


def ed25519_pair():
    """Return (signer, public key in PEM)."""
    key = Ed25519PrivateKey.generate()
    return lambda text: b64encode(key.sign(text.encode())).decode(), _pem(key)


def unusable_pem():
    """Return the public key of a kind that the venue does not take."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))
