"""`intaglio token get`, also `intaglio print-identity-token`: an ID token on stdout, for whoever runs this.

It takes the options of `gcloud auth print-identity-token` and keeps their meaning.
"""

from __future__ import annotations

import click

EXAMPLES = """\b
Examples:
  intaglio token get --audience https://service.example.com
  intaglio token get --impersonate-service-account=robot@project.iam.example.com --audiences=https://service.example.com
  curl -H "Authorization: Bearer $(intaglio print-identity-token --audiences=https://a.example)" https://a.example
"""


@click.command("get", epilog=EXAMPLES)
@click.argument("account", required=False, default="")
@click.option("--audience", "--audiences", "audience", default="", help="Whom the token is for; one value.")
@click.option("--impersonate-service-account", "chain", default="", help="Act as this account: DELEGATE,…,ACCOUNT.")
@click.option("--account", "target", default="", help="The service account for --audience; it is remembered.")
@click.option("--include-email", is_flag=True, help="Put the service account's e-mail address into the token.")
@click.option("--token-format", "form", type=click.Choice(("standard", "full")), help="On a machine: what it tells.")
@click.option("--include-license", "licenses", is_flag=True, help="On a machine, with full: its licenses as well.")
@click.option("--issuer", default="", help="Where ACCOUNT is signed in, if there is one of that name at several.")
@click.option("--ca-file", default="", type=click.Path(dir_okay=False), help="PEM certificates to believe as well.")
def command(
    account: str,
    audience: str,
    chain: str,
    target: str,
    form: str | None,
    issuer: str,
    ca_file: str,
    *,
    include_email: bool,
    licenses: bool,
) -> None:
    """Print an ID token for an audience, or of your sign-in.

    ACCOUNT is one of your sign-ins, by e-mail address or subject; without it the one in use. Without an audience the
    token is for this program's own client, which services in development take; with one it is a token of a service
    account that you may use, and stderr says of which.

    Where nobody is signed in, the file that GOOGLE_APPLICATION_CREDENTIALS names is used, or the metadata server at
    GCE_METADATA_HOST.
    """
    if licenses and form != "full":
        raise click.UsageError("`--include-license` can only be used with `--token-format=full`.")
    if "," in audience:
        raise click.UsageError("`--audience` takes one value: a token is for one audience.")
    from intaglio.cli import token_sources

    wanted = token_sources.Wanted(
        audience=audience,
        chain=_chain(chain),
        target=target,
        include_email=include_email,
        form=form or "",
        licenses=licenses,
        ca_file=ca_file,
    )
    click.echo(token_sources.get(wanted, account, issuer))


def _chain(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    if not all(names):
        raise click.UsageError("`--impersonate-service-account` is a list of accounts with commas between them.")
    return names
