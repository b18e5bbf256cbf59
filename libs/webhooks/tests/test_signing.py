"""Others' libraries verify what we sign, and we verify what they sign."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import standardwebhooks
import svix

from perennial_webhooks import (
    Verification,
    new_secret,
    secret_bytes,
    sign,
    signed_headers,
    verify,
)

BODY = '{"type":"order_placed","data":{"id":"ö-1"}}'.encode()
NOW = datetime.now(UTC)
STAMP = int(NOW.timestamp())

# The example of the specification's own text.
SPEC_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others' libraries look at the real clock, and refuse what was signed when a long run began."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))
    monkeypatch.setitem(globals(), "STAMP", int(datetime.now(UTC).timestamp()))


def headers(*secrets: str, at: int | None = None, id: str = "msg_1") -> dict[str, str]:
    stamp = STAMP if at is None else at
    return signed_headers([secret_bytes(each) for each in secrets], id, stamp, BODY)


def standard(secret: str) -> Verification:
    return Verification(scheme="standard", secret=secret)


def test_the_known_answer_of_the_reference_implementations() -> None:
    body = b'{"test": 2432232314}'
    signed = sign(secret_bytes(SPEC_SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_standardwebhooks_verifies_ours() -> None:
    secret = new_secret()
    assert standardwebhooks.Webhook(secret).verify(BODY.decode(), headers(secret))


def test_svix_verifies_ours() -> None:
    secret = new_secret()
    svix.Webhook(secret).verify(BODY, headers(secret))
    with pytest.raises(svix.WebhookVerificationError):
        svix.Webhook(new_secret()).verify(BODY, headers(secret))


def test_both_secrets_verify_while_one_is_rotated() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    sent = headers(new, old)
    for library in (standardwebhooks.Webhook, svix.Webhook):
        for secret in (old, new):
            library(secret).verify(BODY.decode(), sent)
    assert verify(standard(old), sent, BODY, NOW)
    assert verify(standard(new), sent, BODY, NOW)
    assert not verify(standard(other), sent, BODY, NOW)


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook])
def test_we_verify_theirs(library: type[svix.Webhook]) -> None:
    secret = new_secret()
    signature = library(secret).sign("msg_2", NOW, BODY.decode())
    sent = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(STAMP),
        "webhook-signature": signature,
    }
    assert verify(standard(secret), sent, BODY, NOW)


@pytest.fixture(scope="session")
def node() -> Path:
    """A folder outside of the checkout in which node finds npm's `standardwebhooks`."""
    if shutil.which("npm") is None:
        pytest.skip("no node with npm on this machine")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "perennial-tests" / "npm"
    if not (folder / "node_modules" / "standardwebhooks").exists():
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = subprocess.run(
            [*install, "standardwebhooks@1"], capture_output=True, check=False, timeout=90
        )
        if done.returncode != 0:
            pytest.skip("npm's standardwebhooks cannot be installed here")
    return folder


SCRIPT = """
const { Webhook } = require("standardwebhooks");
const { secret, body, headers, at } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const webhook = new Webhook(secret);
webhook.verify(body, headers);
console.log(webhook.sign("msg_3", new Date(at * 1000), body));
"""


def test_npms_standardwebhooks_verifies_ours_and_we_verify_its(node: Path) -> None:
    old, new = new_secret(), new_secret()
    for secret in (old, new):
        told = {
            "secret": secret,
            "body": BODY.decode(),
            "headers": headers(new, old),
            "at": STAMP,
        }
        done = subprocess.run(
            ["node", "-e", SCRIPT],
            input=json.dumps(told),
            cwd=node,
            capture_output=True,
            text=True,
            check=True,
        )
        sent = {
            "webhook-id": "msg_3",
            "webhook-timestamp": str(STAMP),
            "webhook-signature": done.stdout.strip(),
        }
        assert verify(standard(secret), sent, BODY, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(STAMP + 1)},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "٣"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1a,abc v2,def"},
        {"webhook-signature": "v1,ünïcode"},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, str]) -> None:
    secret = new_secret()
    assert not verify(standard(secret), headers(secret) | change, BODY, NOW)
    assert not verify(standard(secret), headers(secret), BODY + b" ", NOW)


@pytest.mark.parametrize(
    ("minutes", "taken"), [(4.9, True), (-4.9, True), (5.1, False), (-5.1, False)]
)
def test_a_signature_is_good_for_five_minutes(minutes: float, *, taken: bool) -> None:
    secret = new_secret()
    later = datetime.fromtimestamp(STAMP, UTC) + timedelta(minutes=minutes)
    assert verify(standard(secret), headers(secret), BODY, later) is taken


def test_hmac_as_shopify_and_github_do_it() -> None:
    # GitHub's documented example: secret, payload and the header that they give.
    github = Verification(
        scheme="hmac",
        secret="It's a Secret to Everybody",
        header="X-Hub-Signature-256",
        encoding="hex",
        prefix="sha256=",
    )
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    for sent, fits in (
        (f"sha256={digest}", True),
        (digest, False),
        (f"sha256={digest[:-1]}8", False),
    ):
        assert verify(github, {"x-hub-signature-256": sent}, b"Hello, World!", NOW) is fits
    shopify = Verification(scheme="hmac", secret="hush-hush", header="X-Shopify-Hmac-Sha256")
    assert not verify(shopify, {}, BODY, NOW)


def test_basic_and_mutual_tls() -> None:
    basic = Verification(scheme="basic", secret="user:pass word")
    assert verify(basic, {"authorization": "Basic dXNlcjpwYXNzIHdvcmQ="}, BODY, NOW)
    for wrong in ("", "Basic", "Basic !!!", "Bearer dXNlcjpwYXNzIHdvcmQ=", "Basic dXNlcjo="):
        assert not verify(basic, {"authorization": wrong}, BODY, NOW)
    mtls = Verification(scheme="mtls", secret="CN=carrier,O=Example", header="X-Client-Subject")
    assert verify(mtls, {"x-client-subject": "CN=carrier,O=Example"}, BODY, NOW)
    assert not verify(mtls, {}, BODY, NOW)


@pytest.mark.parametrize(
    "secret", ["whsec_????????", "whsec_c2hvcnQ=", "no base64 at all", "ab:cd"]
)
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        standard(secret)
