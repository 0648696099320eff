"""Lets ansible-core encrypt, and keeps its texts in vectors.json.

Run with a Python that has ansible-core 2.19: python tests/vault/record.py
"""

import json
import pathlib

from ansible.parsing.vault import VaultLib, VaultSecret

CASES = [
    (b"", "default", "password", "s"),
    (b"secret value\n", "default", "hunter2", "0123456789abcdef0123456789abcdef"),
    (b"0123456789abcdef", "default", "p", "salty"),
    ("gr\u00fc\u00dfe \U0001F600\n".encode(), "dev", "p\u00e4ss w\u00f6rd", "x" * 32),
    (bytes(range(256)), "prod", "long " * 40, "y" * 32),
    (b"line\r\n" * 10, "a b", " spaces ", "salt with spaces"),
]


def main():
    vectors = []
    for plaintext, vault_id, password, salt in CASES:
        secret = VaultSecret(password.encode())
        text = VaultLib([(vault_id, secret)]).encrypt(plaintext, secret, vault_id=vault_id, salt=salt).decode()
        vectors.append({"plaintext": plaintext.hex(), "id": vault_id, "password": password, "salt": salt, "text": text})
    lines = ",\n".join(json.dumps(v) for v in vectors)
    (pathlib.Path(__file__).parent / "vectors.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
