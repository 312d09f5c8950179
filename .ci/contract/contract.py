#!/usr/bin/env python3
"""Asks a server that runs for everything its document describes, with a key of each role.

Usage: contract.py DRAWDOWN SCHEMATHESIS [EXAMPLES]

No answer may be a failure of the server, have a shape or a status that the document lacks, or take
what the document forbids. Ends with the line of a test runner.
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
OPERATOR = "operator-of-the-contract"
ROLES = ["operator", "platform", "organization", "usage", "read"]


def call(url, key, body=None, method=None):
    request = urllib.request.Request(url, method=method or ("GET" if body is None else "POST"))
    request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Content-Type", "application/json")
    request.add_header("Idempotency-Key", str(uuid.uuid4()))
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.read().decode()}")


class Cloud:
    """A platform with one of everything, made for one role, since keys can do damage."""

    def __init__(self, url):
        self.url = url
        made = self.post(OPERATOR, "platforms", name="cloud", profile="qubrid")
        self.platform = made["id"]
        self.keys = {"operator": OPERATOR, "platform": self.key(OPERATOR, self.platform, "platform")}
        platform = self.keys["platform"]
        self.organization = self.post(platform, "organizations", name="acme")["id"]
        for role in ROLES[2:]:
            self.keys[role] = self.key(platform, self.organization, role)
        self.things = self.make_things(platform)

    def post(self, key, path, **body):
        return call(f"{self.url}/v1/{path}", key, body)

    def key(self, by, owner, role):
        return self.post(by, "api_keys", organization=owner, name=role, role=role)["secret"]

    def make_things(self, key):
        organization, platform = self.organization, self.platform
        sku = self.post(key, "skus", code="gpu", name="GPU", **{"class": "compute"})["id"]
        self.post(key, "prices", sku=sku, amount="3.6", per_units=3600)
        model = self.post(key, "skus", code="llm", name="LLM", **{"class": "model"})["id"]
        self.post(key, "prices", sku=model, dimension="tokens", amount="0.5", per_units=1000000)
        of = {"organization": organization}
        deposit = self.post(key, "deposits", amount="100", **of)["id"]
        self.post(key, f"deposits/{deposit}/sandbox", outcome="succeeded")
        grant = self.post(key, "grants", amount="50", **of)["id"]
        resource = self.post(key, "resources", name="box", sku="gpu", **of)["id"]
        spare = self.post(key, "organizations", name="spare")["id"]
        keys = call(f"{self.url}/v1/api_keys?organization={organization}", key)["data"]
        coupon = self.post(
            key, "coupons", platform=platform, code="welcome", credit="5", redemptions_max=1
        )
        dispute = {"external_id": "du_1", "state": "inquiry", "withdrawn": "0"}
        return {
            "platforms": platform,
            "prices": platform,
            "test_clocks": platform,
            "organizations": organization,
            "spare_organizations": spare,
            "wallets": organization.replace("org_", "wal_")[:-1] + "1",
            "explanations": organization.replace("org_", "wal_")[:-1] + "1",
            "api_keys": keys[0]["id"],
            "spare_api_keys": self.key(key, organization, "read")[3:33],
            "deposits": deposit,
            "grants": grant,
            "resources": resource,
            "skus": sku,
            "runs": self.post(key, "runs", resource=resource)["id"],
            "holds": self.post(key, "holds", amount="1", **of)["id"],
            "members": self.post(key, "members", name="Olga", role="owner", **of)["id"],
            "limits": self.post(key, "limits", window="month", amount="500", **of)["id"],
            "refunds": self.post(key, "refunds", deposit=deposit, amount="1")["id"],
            "disputes": self.post(key, "disputes", deposit=deposit, **dispute)["id"],
            "payment_methods": self.post(
                key, "payment_methods", behaviour="succeeds", label="4242", **of
            )["id"],
            "coupons": coupon["id"],
        }


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def serve(program, folder):
    port = free_port()
    environment = {
        **os.environ,
        "DRAWDOWN_OPERATOR_KEY": OPERATOR,
        "DRAWDOWN_DATABASE_URL": f"sqlite:{folder}/contract.db",
        "DRAWDOWN_SERVER_LISTEN_ADDRESS": f"127.0.0.1:{port}",
        "DRAWDOWN_LIMITS_CUSTOMER_REQUESTS_PER_SECOND": "0",
        "DRAWDOWN_LIMITS_PLATFORM_REQUESTS_PER_SECOND": "0",
        "DRAWDOWN_LOG_LEVEL": "error",
    }
    server = subprocess.Popen([program, "serve"], env=environment)
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=1)
            return server, url
        except OSError:
            time.sleep(0.05)
    server.kill()
    sys.exit("the server did not start")


def ask(schemathesis, url, role, folder, examples):
    """Runs all checks with the key of a role; answers with the number of operations asked."""
    cloud = Cloud(url)
    things = pathlib.Path(folder, f"{role}.json")
    things.write_text(json.dumps(cloud.things), encoding="utf-8")
    environment = {
        **os.environ,
        "CONTRACT_THINGS": str(things),
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [schemathesis, "--config-file", str(HERE / "schemathesis.toml"), "run"]
    command += [f"{url}/openapi.json", "--no-color", "--max-examples", str(examples)]
    command += ["--header", f"Authorization: Bearer {cloud.keys[role]}"]
    command += ["--suppress-health-check", "all"]
    # What it remembers of its runs is left in the folder.
    options = {"env": environment, "cwd": folder, "capture_output": True, "text": True}
    done = subprocess.run(command, **options)
    summary = re.search(r"Tested: (\d+)", done.stdout)
    cases = re.search(r"(\d+) generated", done.stdout)
    if done.returncode != 0 or not summary:
        print(done.stdout[-20_000:], done.stderr[-4_000:], sep="\n")
        return None
    print(f"{role}: {summary[1]} operations, {cases[1] if cases else '?'} requests")
    return int(summary[1])


def main():
    program, schemathesis = (str(pathlib.Path(path).absolute()) for path in sys.argv[1:3])
    examples = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    with tempfile.TemporaryDirectory() as folder:
        server, url = serve(program, folder)
        try:
            asked = [ask(schemathesis, url, role, folder, examples) for role in ROLES]
        finally:
            server.terminate()
            server.wait()
    passed = sum(1 for count in asked if count)
    failed = len(asked) - passed
    verdict = "ok" if failed == 0 else "FAILED"
    print(f"test result: {verdict}. {passed} passed; {failed} failed; 0 ignored")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
