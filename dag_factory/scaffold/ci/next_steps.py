"""What a person must do after the workflow files are written."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.scaffold.ci.workflows import Choices, Host


def next_steps(host: Host, choices: Choices) -> Iterator[str]:
    """Whole sentences, in the order of the work."""
    if host == "github":
        yield f"Commit the files to `{choices.branch}`. GitHub posts comments only after dagf-comment.yml is there."
        yield "In the settings of the branch, require the job `check` before a merge."
    else:
        yield "Commit the file to the default branch."
        yield (
            "Create a project access token with the scope `api` and the role Reporter. Save it as the masked variable "
            "DAGF_GITLAB_TOKEN. Everybody who can push a branch can read it. Without it, the plan is only in the job's "
            "log and artifact."
        )
    yield from _deploy_steps(host, choices)


def _deploy_steps(host: Host, choices: Choices) -> Iterator[str]:
    if choices.deploy == "git-bundle":
        yield "Let Airflow's git bundle follow the branch `deployed` (`tracking_ref`)."
        if host == "gitlab":
            yield (
                "Create a project access token with the scope `write_repository`. Save it as the protected variable "
                "DAGF_DEPLOY_TOKEN."
            )
    elif choices.deploy == "sync":
        where = "the environment `production`" if host == "github" else "the protected variables"
        yield f"Add DEPLOY_SSH_KEY, DEPLOY_KNOWN_HOSTS and DEPLOY_TARGET (`user@host:folder`) to {where}."
    elif choices.deploy == "image":
        if host == "github":
            yield (
                "Save the host of the image registry as the variable REGISTRY. For a registry other than GitHub's, "
                "also save the variable REGISTRY_USER and the secret REGISTRY_TOKEN."
            )
        yield f"Write a Dockerfile in {choices.home or 'the root of the repository'} that copies configs/ and dags/."
    if host == "github" and choices.deploy != "none":
        yield "To have people approve deployments, add reviewers to the environment `production`."
