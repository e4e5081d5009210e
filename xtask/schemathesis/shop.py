"""Opens the shop of crates/comanda/tests/shop.json on a server, or prints the server's metrics.

shop.py open URL KEY REQUESTS | shop.py metrics URL KEY
"""

import json
import sys
import time

import requests

PATIENCE_S = 30


def main(what, url, key, *more):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"
    if what == "metrics":
        answer = session.get(url + "/metrics", timeout=PATIENCE_S)
        answer.raise_for_status()
        print(answer.text)
        return
    with open(more[0], encoding="utf-8") as file:
        entries = json.load(file)
    for entry in entries:
        for name in entry.get("for", [""]):
            filled = json.loads(json.dumps(entry).replace("{n}", name))
            # Who does it is told from the key; only where there is none must the body say it.
            filled.get("body", {}).pop("by", None)
            send(session, url, filled)


def send(session, url, entry):
    """Until it is taken: what it is about may still be on its way from the other context."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        answer = session.request(entry["method"], url + entry["path"], json=entry.get("body"), timeout=PATIENCE_S)
        if answer.ok:
            return
        if time.monotonic() > give_up:
            sys.exit(f"{entry['method']} {entry['path']} is not taken: {answer.status_code} {answer.text}")
        time.sleep(0.05)


main(*sys.argv[1:])
