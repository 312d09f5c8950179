#!/usr/bin/env python3
"""Reports usage with clients of other meters, unmodified: LiteLLM by OpenMeter's dialect, and Lago's.

Usage: clients.py DRAWDOWN
"""

import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from contract import Cloud, call, serve


def charges(cloud):
    path = f"{cloud.url}/v1/ledger?organization={cloud.organization}&show=usage&limit=100"
    rows = call(path, cloud.keys["platform"])["data"]
    return [row for row in rows if row["kind"] == "charge"]


def sell(cloud, code, prices):
    key = cloud.keys["platform"]
    sku = cloud.post(key, "skus", code=code, name=code, **{"class": "model"})["id"]
    for dimension, amount in prices.items():
        cloud.post(
            key, "prices", sku=sku, dimension=dimension, amount=amount, per_units=1_000_000
        )


def litellm_reports(cloud):
    """A completion that no provider was asked for is charged by its tokens."""
    sell(cloud, "gpt-4o", {"prompt_tokens": "2.50", "completion_tokens": "10.00"})
    os.environ["OPENMETER_API_ENDPOINT"] = cloud.url
    os.environ["OPENMETER_API_KEY"] = cloud.keys["usage"]
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.callbacks = ["openmeter"]
    answer = litellm.completion(
        model="gpt-4o",
        messages=[{"role": "user", "content": "What is left?"}],
        mock_response="Seventeen dollars and a cent.",
        user=cloud.organization,
    )
    for _ in range(200):
        if charges(cloud):
            break
        time.sleep(0.05)
    (charge,) = charges(cloud)
    usage = answer.usage
    nanos = usage.prompt_tokens * 2_500 + usage.completion_tokens * 10_000
    assert round(float(charge["amount"]) * 1e9) == nanos, (charge, usage)
    assert charge["event"]["source"] == "litellm-proxy", charge
    print(f"litellm: {usage.prompt_tokens} + {usage.completion_tokens} tokens, {charge['amount']}")


def lago_reports(cloud):
    """Lago's own client sends an event, twice, and reads the answer."""
    from lago_python_client.client import Client
    from lago_python_client.models import Event

    client = Client(api_key=cloud.keys["usage"], api_url=cloud.url)
    event = Event(
        transaction_id="t-1",
        external_subscription_id=cloud.organization,
        code="llm",
        timestamp=int(time.time()),
        precise_total_amount_cents=None,
        properties={"tokens": 3_000_000, "region": "eu"},
    )
    before = len(charges(cloud))
    answers = [client.events.create(event) for _ in range(2)]
    assert answers[0].transaction_id == "t-1", answers[0]
    assert answers[0].lago_id == answers[1].lago_id, answers
    assert len(charges(cloud)) == before + 1
    print(f"lago: one charge of {charges(cloud)[0]['amount']} for an event sent twice")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server, url = serve(str(pathlib.Path(sys.argv[1]).absolute()), folder)
        try:
            cloud = Cloud(url)
            for test in (litellm_reports, lago_reports):
                test(cloud)
        finally:
            server.terminate()
            server.wait()
    print("test result: ok. 2 passed; 0 failed; 0 ignored")


if __name__ == "__main__":
    main()
