"""Shapes of secrets: how keys, tokens, passwords and private keys look.

The prefixes, alphabets and lengths are those that the issuers document, as collected by GitHub's "Supported secret
scanning patterns", the rules of gitleaks and the detectors of TruffleHog. Quantifiers are bounded, so that a text
written to slow the search down cannot.

A shape is searched for only in texts that contain one of its ``hints``.
"""

import functools
import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of secret. The group ``secret`` is replaced, or the whole match without one."""

    kind: str
    hints: tuple[str, ...]
    expression: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled at first use: most are never needed."""
        return _compiled(self.expression)


_compiled = functools.cache(re.compile)


def _shape(kind: str, hints: str, expression: str) -> Shape:
    return Shape(kind, tuple(hints.split()), expression)


_TAIL: Final = r"(?![A-Za-z0-9])"

TOKENS: Final = (
    # Model providers. A key of OpenAI and others begins with "sk-"; one with a digit is not a word.
    _shape("anthropic-key", "sk-ant-", r"\bsk-ant-[\w-]{16,300}"),
    _shape("openai-key", "sk-", r"\bsk-(?=[\w-]{0,60}\d)(?:proj-|svcacct-|admin-|or-v1-)?[\w-]{16,300}"),
    _shape("groq-key", "gsk_", r"\bgsk_[A-Za-z0-9]{40,80}"),
    _shape("xai-key", "xai-", r"\bxai-[A-Za-z0-9]{40,120}"),
    _shape("perplexity-key", "pplx-", r"\bpplx-[A-Za-z0-9]{40,80}"),
    _shape("replicate-token", "r8_", r"\br8_[A-Za-z0-9]{30,60}"),
    _shape("huggingface-token", "hf_ api_org_", r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,60}"),
    # Clouds
    _shape("aws-key", "AKIA ASIA ABIA ACCA A3T", r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}" + _TAIL),
    _shape("aws-bedrock-key", "ABSK", r"\bABSK[A-Za-z0-9+/]{100,280}={0,2}"),
    _shape("google-key", "AIza", r"\bAIza[\w-]{35}"),
    _shape("google-token", "ya29. GOCSPX-", r"\b(?:ya29\.[\w.-]{20,400}|GOCSPX-[\w-]{20,60})"),
    _shape("azure-secret", "Q~", r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}"),
    _shape("azure-storage-key", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/]{60,100}={0,2})"),
    _shape("digitalocean-token", "_v1_", r"\bdo[opr]_v1_[a-f0-9]{64}"),
    _shape("alibaba-key", "LTAI", r"\bLTAI[A-Za-z0-9]{16,24}" + _TAIL),
    _shape("databricks-token", "dapi", r"\bdapi[a-f0-9]{32}(?:-\d)?"),
    _shape("vault-token", "hvs. hvb. hvr.", r"\bhv[sbr]\.[\w-]{24,300}"),
    _shape("pulumi-token", "pul-", r"\bpul-[a-f0-9]{40}"),
    _shape("doppler-token", "dp.", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    _shape("planetscale-token", "pscale_", r"\bpscale_(?:tkn|pw|oauth)_[\w=.-]{32,64}"),
    # Code and packages
    _shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
           r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{50,255})"),
    _shape("gitlab-token", "glpat- gldt- glrt- glptt- glcbt- glsoat- glagent- gloas- glft- glimt-",
           r"\bgl(?:pat|dt|rt|ptt|cbt|soat|agent|oas|ft|imt)-[\w.-]{20,300}"),
    _shape("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    _shape("pypi-token", "pypi-", r"\bpypi-[\w-]{50,1000}"),
    _shape("atlassian-token", "ATATT3 ATCTT3", r"\bAT[AC]TT3[\w=-]{50,300}"),
    _shape("linear-key", "lin_api_", r"\blin_api_[A-Za-z0-9]{40}"),
    _shape("notion-token", "ntn_", r"\bntn_[A-Za-z0-9]{40,60}"),
    _shape("postman-key", "PMAK-", r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _shape("grafana-token", "glsa_ glc_", r"\b(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2})"),
    _shape("sentry-token", "sntry", r"\bsntry[su]_[A-Za-z0-9+/=_]{60,400}"),
    _shape("newrelic-key", "NRAK- NRII-", r"\bNR(?:AK|II)-[A-Za-z0-9-]{27,40}"),
    _shape("age-key", "AGE-SECRET-KEY-1", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}"),
    # Payments and messages
    _shape("stripe-key", "_live_ _test_ _prod_", r"\b[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,250}"),
    _shape("webhook-secret", "whsec_", r"\bwhsec_[A-Za-z0-9+/=]{24,100}"),
    _shape("slack-token", "xox xapp-", r"\b(?:xox[abeoprs](?:\.xox[bp])?-[\w-]{10,400}|xapp-\d-[\w-]{20,400})"),
    _shape("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[\w/]{20,120})"),
    _shape("discord-webhook", "/api/webhooks/", r"/api/webhooks/(?P<secret>\d{15,22}/[\w-]{40,100})"),
    _shape("twilio-key", "SK", r"\bSK[a-f0-9]{32}" + _TAIL),
    _shape("sendgrid-key", "SG.", r"\bSG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _shape("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _shape("square-token", "sq0 EAAA", r"\b(?:sq0[a-z]{3}-[\w-]{22,43}|EAAA[\w+=-]{56,100})"),
    # Formats
    _shape("jwt", "eyJ", r"\beyJ[\w-]{8,8000}(?:\.[\w-]{0,8000}){2,4}"),
)  # fmt: skip

_BREAK: Final = r"(?:\s|\\[nrt])"

TEXTS: Final = (
    _shape("telegram-token", ":A", r"\b\d{6,16}:A[\w-]{34}(?![\w-])"),
    # Shapes that are longer than a token, or hold characters that no token has. The body of a private key is
    # recognised line by line, so that a mention of its header in prose is left alone.
    _shape(
        "private-key",
        "PRIVATE",
        rf"-----BEGIN [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:{_BREAK}{{1,8}}(?:[A-Za-z-]{{3,20}}: [^\n\\]{{0,200}}|[A-Za-z0-9+/=]{{1,200}})){{1,400}}"
        rf"(?:{_BREAK}{{0,8}}-----END [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    _shape("url-credentials", "://", r"://(?P<secret>[^\s/@:\"']{0,100}:[^\s/@\"'<>]{1,200})@"),
    _shape("url-signature", "sig= ignature=", r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature|Signature)=(?P<secret>[\w%+/=-]{20,700})"),
)  # fmt: skip

_KEYS: Final = (
    # Without the first letter, which the search looks for.
    r"(?:pi[-_]?key|(?:lient|onsumer)[-_]?secret|ecret[-_]?(?:access[-_]?)?key|ecret|assw(?:or)?d|wd|assphrase|"
    r"rivate[-_]?key|ccess[-_]?token|efresh[-_]?token|uth[-_]?token)"
)
_SEPARATOR: Final = r"(?: ?= ?|\\?[\"'] ?[:=] ?\\?[\"']|: ?(?=[^\s\d]{0,40}\d))"

SECRET_NAME: Final = _shape(
    "password",
    "",
    rf"[acprsACPRS](?<![a-zA-Z].)(?i:{_KEYS})$|^(?i:authorization|proxy-authorization|cookie|set-cookie)$",
)
"""The name of a field that holds a secret."""

HEADERS: Final = (
    # Searched in lower case; the hints are, too.
    _shape(
        "bearer-token", "bearer", r"(?i)\bbearer[ =:]\s?(?P<secret>(?=[^\s\d]{0,80}\d)[\w.\-+/=~]{16,4000})"
    ),
    _shape("basic-auth", "basic", r"\b[Bb]asic (?P<secret>(?=[a-z+/]{0,40}[A-Z0-9=])[\w+/=]{12,1000})"),
    _shape(
        "password",
        "apikey api_key api-key secret passw pwd passphrase privatekey private_key private-key accesstoken "
        "access_token access-token refreshtoken refresh_token refresh-token authtoken auth_token auth-token",
        rf"[acprsACPRS](?<![a-zA-Z].)(?i:{_KEYS}){_SEPARATOR}(?P<secret>(?!\[redacted:)[^\s\"',;&\\]{{4,500}})",
    ),
)

MESSAGES: Final = (
    # Only for errors, where programs repeat what they refused: masked and short keys, any token.
    _shape("key", "sk pk rk gsk xai ghp gho hf xox", r"(?i)\b(?:sk|pk|rk|gsk|xai|ghp|gho|hf|xox[abps])[-_][\w*.\-]{8,300}"),
    # `key-` and `api_` also begin plain words, so the rest must have a digit, or the stars of a masked key.
    _shape("key", "key api", r"(?i)\b(?:key|api)[-_ ](?=[a-z_.\-]{0,40}[\d*])[\w*.\-]{8,300}"),
    _shape("key", "akia asia aiza eyj", r"\b(?:AKIA|ASIA|AIza|eyJ)[\w.\-]{12,8000}"),
    _shape("bearer-token", "bearer", r"(?i)\bbearer[ =:]\s?(?P<secret>[\w*.\-+/=]{8,4000})"),
    _shape("basic-auth", "basic", r"\b[Bb]asic (?P<secret>(?=[a-z+/]{0,40}[A-Z0-9=])[\w+/=]{8,1000})"),
    _shape("password", "token", rf"(?i)(?<![a-z])token{_SEPARATOR}(?P<secret>(?!\[redacted:)[^\s\"',;&]{{4,500}})"),
)  # fmt: skip
