"""Issuers that give tokens to everybody: of whom a condition has to tell one's own from all the others.

The documentation of each issuer on its OpenID Connect tokens; GitHub's hardening guide. A token of such an issuer says
only that somebody, anywhere, has an account or runs a job there.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

FREE = frozenset({"iss", "aud", "iat", "nbf", "exp", "jti", "nonce"})
"""Claims that tell of the token and not of its holder; who asks for one says for which audience."""


class Shared(msgspec.Struct, frozen=True):
    """One of them. `stranger` is what a token of somebody else says.

    `ids` names, for claims that can come to mean somebody else, the claim that never does. `free` are the claims that
    say whatever a stranger wants; `chosen` those of which a stranger chooses a part, such as the name of a repository.
    """

    name: str
    pattern: str
    stranger: dict[str, Any] = {}
    ids: dict[str, str] = {}
    free: frozenset[str] = FREE
    chosen: frozenset[str] = frozenset()


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


_GITHUB = {
    "sub": "repo:stranger/any:ref:refs/heads/main",
    "repository": "stranger/any",
    "repository_id": "1",
    "repository_owner": "stranger",
    "repository_owner_id": "2",
    "repository_visibility": "public",
    "actor": "stranger",
    "actor_id": "3",
    "enterprise": "stranger",
    "enterprise_id": "4",
    "ref": "refs/heads/main",
    "ref_type": "branch",
    "ref_protected": "true",
    "base_ref": "",
    "head_ref": "",
    "event_name": "push",
    "environment": "production",
    "runner_environment": "github-hosted",
    "workflow": "deploy",
    "workflow_ref": "stranger/any/.github/workflows/deploy.yml@refs/heads/main",
    "job_workflow_ref": "stranger/any/.github/workflows/deploy.yml@refs/heads/main",
    "run_id": "5",
    "run_number": "6",
    "run_attempt": "1",
    "sha": "0" * 40,
}
_GITHUB_FREE = FREE.union(
    "ref ref_type ref_protected base_ref head_ref event_name environment runner_environment workflow run_number "
    "run_attempt sha workflow_sha repository_visibility".split()
)
_GITHUB_CHOSEN = frozenset("sub repository repository_owner actor enterprise workflow_ref job_workflow_ref".split())
_GITHUB_IDS = _pairs(
    "repository=repository_id repository_owner=repository_owner_id actor=actor_id enterprise=enterprise_id "
    "sub=repository_id"
)
_GITLAB = {
    "sub": "project_path:stranger/any:ref_type:branch:ref:main",
    "project_path": "stranger/any",
    "project_id": "1",
    "namespace_path": "stranger",
    "namespace_id": "2",
    "user_login": "stranger",
    "user_id": "3",
    "user_email": "stranger@stranger.example",
    "ref": "main",
    "ref_type": "branch",
    "ref_path": "refs/heads/main",
    "ref_protected": "true",
    "environment": "production",
    "environment_protected": "true",
    "pipeline_source": "push",
    "runner_environment": "gitlab-hosted",
}
_GITLAB_FREE = FREE.union(
    "ref ref_type ref_path ref_protected environment environment_protected deployment_tier pipeline_source "
    "runner_environment sha".split()
)
_GITLAB_CHOSEN = frozenset({"sub", "project_path", "namespace_path", "user_login"})
_GITLAB_IDS = _pairs("project_path=project_id namespace_path=namespace_id user_login=user_id sub=project_id")
_PERSON = {
    "sub": "stranger",
    "email": "stranger@stranger.example",
    "email_verified": True,
    "hd": "stranger.example",
    "azp": "stranger",
    "tid": "stranger",
    "name": "Stranger",
    "preferred_username": "stranger@stranger.example",
}
_PERSON_FREE = FREE | {"name", "given_name", "family_name", "email_verified"}
_TERRAFORM_FREE = FREE | {"terraform_run_phase", "terraform_workspace_name", "terraform_project_name"}

OWN = Shared("this server", "", _PERSON, {"email": "sub"}, _PERSON_FREE)
"""The issuer of the tenant itself: each of its accounts can have a token of it."""

ISSUERS = (
    Shared(
        "GitHub Actions",
        # The cloud, an enterprise's own path there, an enterprise's own cloud, an enterprise's own server.
        r"token\.actions\.githubusercontent\.com(?:/.*)?|token\.actions\.[a-z0-9-]+\.ghe\.com(?:/.*)?"
        r"|[^/]+/_services/token",
        _GITHUB,
        _GITHUB_IDS,
        _GITHUB_FREE,
        _GITHUB_CHOSEN,
    ),
    Shared("GitLab.com", r"(?:[^/]+\.)?gitlab\.com", _GITLAB, _GITLAB_IDS, _GITLAB_FREE, _GITLAB_CHOSEN),
    Shared(
        "Google accounts",
        r"accounts\.google\.com|securetoken\.google\.com/.*",
        _PERSON,
        _pairs("email=sub hd=sub"),
        _PERSON_FREE,
    ),
    Shared(
        "Microsoft Entra, any tenant",
        r"login\.(?:microsoft[a-z]*\.com|[a-z]+\.us|[a-z]+\.cn)"
        r"/(?:common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad|\{.*)(?:/.*)?"
        r"|sts\.windows\.net/(?:common|9188040d-6c67-4c5b-b112-36a304b66dad)(?:/.*)?",
        _PERSON,
        _pairs("email=oid upn=oid preferred_username=oid"),
        # An administrator of any tenant writes these two as they like.
        _PERSON_FREE | {"email", "preferred_username"},
    ),
    Shared("Apple", r"appleid\.apple\.com", _PERSON),
    Shared("Facebook", r"(?:www\.|limited\.)?facebook\.com", _PERSON),
    Shared("LinkedIn", r"www\.linkedin\.com(?:/oauth)?", _PERSON),
    Shared("Slack", r"slack\.com", _PERSON),
    Shared("Twitch", r"id\.twitch\.tv/oauth2", _PERSON),
    Shared("Sigstore", r"oauth2\.sig(?:store|stage)\.dev/auth", _PERSON, _pairs("email=sub")),
    Shared("Hugging Face", r"huggingface\.co", _PERSON),
    Shared(
        "Bitbucket Pipelines",
        r"api\.bitbucket\.org/2\.0/workspaces/[^/]+/pipelines-config/identity/oidc",
        {"sub": "{0}:{1}", "repositoryUuid": "{0}", "workspaceUuid": "{2}", "branchName": "main"},
    ),
    Shared(
        "CircleCI",
        r"oidc\.circleci\.com(?:/.*)?",
        {"sub": "org/0/project/1/user/2", "aud": "0", "oidc.circleci.com/project-id": "1"},
        free=FREE | {"oidc.circleci.com/vcs-ref"},
    ),
    Shared(
        "HCP Terraform",
        r"app\.(?:eu\.)?terraform\.io",
        {
            "sub": "organization:stranger:project:any:workspace:any:run_phase:apply",
            "terraform_organization_name": "stranger",
            "terraform_organization_id": "org-1",
            "terraform_workspace_name": "any",
            "terraform_workspace_id": "ws-1",
            "terraform_project_name": "any",
            "terraform_project_id": "prj-1",
            "terraform_run_phase": "apply",
        },
        _pairs(
            "terraform_organization_name=terraform_organization_id terraform_workspace_name=terraform_workspace_id "
            "terraform_project_name=terraform_project_id sub=terraform_workspace_id"
        ),
        _TERRAFORM_FREE,
        frozenset({"sub", "terraform_organization_name"}),
    ),
    Shared(
        "Buildkite",
        r"agent\.buildkite\.com",
        {
            "sub": "organization:stranger:pipeline:any:ref:refs/heads/main:commit:0:step:",
            "organization_slug": "stranger",
            "organization_id": "1",
            "pipeline_slug": "any",
            "pipeline_id": "2",
            "build_branch": "main",
        },
        _pairs("organization_slug=organization_id pipeline_slug=pipeline_id sub=pipeline_id"),
        FREE | {"pipeline_slug", "build_branch", "build_tag", "build_commit", "build_number", "step_key"},
        frozenset({"sub", "organization_slug"}),
    ),
    Shared(
        "Vercel",
        r"oidc\.vercel\.com(?:/.*)?",
        {
            "sub": "owner:stranger:project:any:environment:production",
            "owner": "stranger",
            "owner_id": "1",
            "project": "any",
            "project_id": "2",
            "environment": "production",
        },
        _pairs("owner=owner_id project=project_id sub=project_id"),
        FREE | {"project", "environment"},
        frozenset({"sub", "owner"}),
    ),
    Shared("Azure DevOps", r"vstoken\.dev\.azure\.com/.*", {"sub": "sc://stranger/any/any"}),
    Shared("Pulumi Cloud", r"api\.pulumi\.com/oidc", {"sub": "pulumi:deploy:org:stranger", "org": "stranger"}),
    Shared("Fly.io", r"oidc\.fly\.io(?:/.*)?", {"sub": "stranger:any:1", "org_name": "stranger", "app_name": "any"}),
    Shared("Codefresh", r"oidc\.codefresh\.io", {"sub": "account:1:pipeline:2", "account_id": "1"}),
    Shared("Cirrus CI", r"oidc\.cirrus-ci\.com", {"sub": "repo:github:stranger/any", "owner": "stranger"}),
    Shared("Netlify", r"services\.netlify\.com(?:/.*)?|oidc\.netlify\.com(?:/.*)?", {"sub": "stranger"}),
    Shared("Travis CI", r"oidc\.travis-ci\.com(?:/.*)?", {"sub": "stranger"}),
)

_COMPILED = tuple((re.compile(one.pattern), one) for one in ISSUERS)
_PORT = re.compile(r"^([^/]*):443(?=/|$)")


def of(issuer: str) -> Shared | None:
    """Return which of them an issuer is; None for an issuer that is not known to be shared."""
    # Read as laxly as can be: another spelling must not be a way around (test_d6_50_other_spellings_of_an_issuer).
    text = issuer.strip().lower()
    _, scheme, rest = text.partition("://")
    place = _PORT.sub(r"\1", (rest if scheme else text).rstrip("/"))
    host, slash, path = place.partition("/")
    place = host.rstrip(".") + slash + path
    return next((shared for pattern, shared in _COMPILED if pattern.fullmatch(place)), None)
