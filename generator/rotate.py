"""Rotate: new values for the state secret and for client secrets, while what the old ones have given out stays valid.

Nothing is kept between runs: which step is next is read from Secrets Manager and Cognito, so that an interrupted run is resumed by the
same command. No value of a secret is printed, nor put into an error.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from claimstack.controls.errors import InputError
from claimstack.generator.partition import partition_of
from claimstack.generator.resources.identity import USER_POOL, client_logical_id
from claimstack.generator.resources.secrets import SECRET_LENGTH
from claimstack.generator.writing import built_packages, read_manifest

STATE_LIFE: Final = timedelta(minutes=10)
"""How long a sealed state is accepted: the default of the MCP SDK."""
STALE: Final = timedelta(minutes=5)
"""How long an instance of the function may go on sealing with the version that it has read."""
OVERLAP: Final = STATE_LIFE + STALE
"""After a rotation, states that the version before has sealed live for so long; the next rotation makes that version unreadable."""

CLIENT_SECRET_LENGTH: Final = 52
"""As long as those that Cognito generates; it takes 24 to 64 letters and digits."""
SECRETS_OF_A_CLIENT: Final = 2
CLOCKS: Final = timedelta(minutes=5)
"""How far the times of a value in Secrets Manager and of the same value in Cognito may lie apart."""

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
NOT_OFFERED: Final = ("InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation")
"""Error codes by which an endpoint says that it does not know an operation."""
SERVER_TEMPLATE: Final = Path("cloudformation", "server.json")
TOKEN_SECONDS: Final = 20
LOOPBACK: Final = ("127.0.0.1", "localhost")

Connect: TypeAlias = Callable[[str], Any]
"""A client of the AWS service with this name."""
Tell: TypeAlias = Callable[[str], None]


class RotationError(Exception):
    """A call that failed. Says what state things are in and what to do next."""


@dataclass(frozen=True, slots=True)
class Server:
    """The server stack of a system, where it is deployed."""

    system: str
    stack: str
    region: str
    package: Path | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a secret in Secrets Manager."""

    id: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Client:
    """A consumer's client: where Cognito keeps it, and where the consumer reads its secret."""

    consumer: str
    pool: str
    id: str
    secret_name: str
    token_url: str
    scope: str


def server_of(system: str | None, package: Path | None, stack: str | None, region: str | None) -> Server:
    """Where a system is deployed, from what the command line gives and from the package. Raises InputError where that is too little."""
    folder = package or _package_for(system, stack)
    manifest: Mapping[str, Any] = {}
    if folder is not None:
        manifest = read_manifest(folder)
        if not isinstance(manifest.get("system"), str):
            raise InputError(f"{folder}: is not a package that claimstack build wrote; name one with --package")
        if system is not None and manifest["system"] != system:
            raise InputError(f"{folder}: is the package of {manifest['system']}, not of {system}; correct the name or --package")
    name = system or manifest.get("system") or (stack or "").removesuffix("-server")
    region = region or (_region_of(folder) if folder is not None else None)
    if region is None:
        there = ", ".join(path.name for path in built_packages()) or "none"
        raise InputError(f"no package of {name} below out/ ({there} found); name it with --package, or --stack and --region")
    partition = partition_of(region)
    if manifest and manifest.get("partition") != partition.name:
        raise InputError(f"--region {region}: {folder} was built for the partition {manifest.get('partition')}; choose one of its regions")
    return Server(str(name), stack or f"{name}-server", region, folder)


def check_consumer(server: Server, consumer: str) -> None:
    """Raise InputError where the package shows that the server has no client of a consumer, before AWS is asked."""
    if server.package is None:
        return
    try:
        template = json.loads((server.package / SERVER_TEMPLATE).read_text(encoding="utf-8"))
        with_token_url = "TokenUrl" in template["Outputs"]
        clients = {
            id_: resource["Properties"]["ClientName"]
            for id_, resource in template["Resources"].items()
            if resource["Type"] == "AWS::Cognito::UserPoolClient" and resource["Properties"].get("GenerateSecret") is True
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return  # what is deployed will tell
    if not with_token_url:
        raise _without_pool(server)
    if client_logical_id(consumer) not in clients:
        there = ", ".join(sorted(map(str, clients.values()))) or "none"
        raise InputError(
            f"{server.package}: has no client of a consumer {consumer!r} (consumers: {there}); correct the name, or build the package "
            "as it is deployed"
        )


def _without_pool(server: Server) -> InputError:
    return InputError(f"{server.system}: has no user pool of its own; whoever issues its tokens rotates the secrets of its clients")


def connect_to(region: str) -> Connect:
    """Clients in a region, by the AWS settings of the environment. Raises InputError without botocore or without credentials."""
    try:
        from botocore.config import Config
        from botocore.session import Session
    except ImportError as error:
        raise InputError("rotate calls AWS by botocore, which is not installed; install 'claimstack[runtime]'") from error
    from botocore.exceptions import BotoCoreError

    session = Session()
    try:
        found = session.get_credentials()
    except BotoCoreError as error:
        raise InputError(f"AWS credentials: {error}") from error
    if found is None:
        raise InputError("no AWS credentials found; set AWS_PROFILE, or sign in as for the AWS CLI")
    config = Config(region_name=region, retries={"mode": "standard", "total_max_attempts": 5})
    return lambda service: session.create_client(service, config=config)


def rotate_state(server: Server, connect: Connect, tell: Tell, now: datetime, *, force: bool = False, dry_run: bool = False) -> None:
    """Put a new value as AWSCURRENT, by which the one before becomes AWSPREVIOUS.

    Raises InputError while states that AWSPREVIOUS has sealed may be alive, unless it is forced; RotationError when a call fails.
    """
    arn = _outputs(server, connect).get("StateSecretArn")
    if arn is None:
        raise InputError(f"{server.stack}: has no output StateSecretArn; name the server stack of {server.system} with --stack")
    secrets_manager = connect("secretsmanager")
    versions = _versions(secrets_manager, arn)
    current = versions[CURRENT]
    end = current.created + OVERLAP
    early = PREVIOUS in versions and now < end
    if early and not force:
        raise InputError(
            f"{server.system}: the state secret was rotated at {_clock(current.created)}; until {_clock(end)} there may be states that the "
            "version before has sealed, and a second rotation would make them unreadable. Wait until then; or, where those calls may "
            "fail and be started again, say --force"
        )
    if early:
        tell(f"Forced: calls whose state was sealed before {_clock(current.created + STALE)} may have to be started again.")
    if dry_run:
        tell(f"Would put a new random value into {arn} as {CURRENT}.")
        tell(f"Version {current.id}, current since {_clock(current.created)}, would become {PREVIOUS}.")
        return
    value = _random(secrets_manager, SECRET_LENGTH)
    with _failing(
        f"putting the new value into {arn}",
        f"Unless only the answer was lost, version {current.id} is still {CURRENT}: see with --dry-run, then run the command again.",
        value,
    ):
        new = secrets_manager.put_secret_value(SecretId=arn, SecretString=value)["VersionId"]
    tell(f"State secret of {server.system}: version {new} is {CURRENT}, version {current.id} is {PREVIOUS}.")
    tell(f"Instances that run take the new one within {_minutes(STALE)}. The next rotation is possible in {_minutes(OVERLAP)}.")


def begin_client(server: Server, consumer: str, connect: Connect, tell: Tell, *, dry_run: bool = False) -> None:
    """Give a consumer's client a second secret, and put it where the consumer reads its own; the first stays valid.

    The value goes into Secrets Manager as AWSPENDING first, so that a run that ends before the last call loses nothing: the next one
    finds the value, sees that it gets a token, and makes it current. Raises InputError where two secrets stand or a second one is not
    offered, RotationError when a call fails.
    """
    client, cognito, secrets_manager = _client(server, consumer, connect)
    known = _client_secrets(cognito, client)
    versions = _versions(secrets_manager, client.secret_name)
    pending = _pending(versions)
    if len(known) < SECRETS_OF_A_CLIENT:
        if dry_run:
            tell(f"Would put a new random value into {client.secret_name} as {PENDING}, add it to the client {client.id} as its second")
            tell(f"secret, and make it {CURRENT}. The secret that {consumer} uses now would stay valid.")
            return
        version = _add_secret(client, cognito, secrets_manager)
    elif pending is None:
        raise InputError(
            f"{consumer}: its client has two secrets, so that an earlier rotation is not finished; try the current one with --try, "
            "have the owner confirm, then run with --finish"
        )
    else:
        if dry_run:
            tell(f"Would resume: ask for a token with the value that is {PENDING} in {client.secret_name}, and make it {CURRENT}.")
            return
        _recognise_secret(client, secrets_manager)
        tell(f"Resumed: the second secret of {consumer} is the one that is {PENDING} in {client.secret_name}.")
        version = pending.id
    with _failing(
        f"making the new value {CURRENT} in {client.secret_name}",
        f"The client of {consumer} has both secrets; {consumer} still reads the old one. Run the command again, which resumes here.",
    ):
        secrets_manager.update_secret_version_stage(
            SecretId=client.secret_name, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=versions[CURRENT].id
        )
    tell(f"The client of {consumer} has a second secret, which is {CURRENT} in {client.secret_name}. Both get tokens.")
    tell(f"Next: --try; then have the owner of {consumer} confirm that every instance has read it; then --finish.")


def _add_secret(client: Client, cognito: Any, secrets_manager: Any) -> str:
    """A second secret, known to Secrets Manager before Cognito has it; the id of its version."""
    value = _random(secrets_manager, CLIENT_SECRET_LENGTH)
    with _failing(
        f"putting the new value into {client.secret_name}",
        f"{client.consumer} has its one secret as before; run the command again.",
        value,
    ):
        put = secrets_manager.put_secret_value(SecretId=client.secret_name, SecretString=value, VersionStages=[PENDING])
    with _failing(
        f"adding the second secret to the client of {client.consumer}",
        f"{client.consumer} goes on with the secret that it has; the new value is {PENDING} in {client.secret_name}. Run the command "
        "again: it resumes here where the second secret was made after all.",
        value,
    ):
        cognito.add_user_pool_client_secret(UserPoolId=client.pool, ClientId=client.id, ClientSecret=value)
    return str(put["VersionId"])


def _recognise_secret(client: Client, secrets_manager: Any) -> None:
    """Raise InputError unless the value that is pending is one of the two secrets."""
    if _token_seconds(client, _value(secrets_manager, client.secret_name, PENDING)) is None:
        raise InputError(
            f"{client.consumer}: its client has two secrets, and what is {PENDING} in {client.secret_name} is neither; nothing was "
            "changed. Find out who made the second one; the client secrets part of operations.md says how to list and delete them"
        )


def try_client(server: Server, consumer: str, connect: Connect, tell: Tell, *, dry_run: bool = False) -> None:
    """See that the secret that a consumer reads gets a token; the token is thrown away."""
    client, _, secrets_manager = _client(server, consumer, connect)
    if _pending(_versions(secrets_manager, client.secret_name)) is not None:
        raise InputError(f"{consumer}: its second secret is not in place yet; run the command without --try first")
    if dry_run:
        tell(f"Would ask {client.token_url} for a token of {consumer}, with the value that is {CURRENT} in {client.secret_name}.")
        return
    seconds = _token_seconds(client, _value(secrets_manager, client.secret_name, CURRENT))
    if seconds is None:
        raise RotationError(
            f"What is {CURRENT} in {client.secret_name} gets no token: it is no secret of the client {client.id}. Nothing was changed. "
            f"{consumer} cannot sign in with it: put back what is {PREVIOUS} there, then find out who has changed it."
        )
    tell(f"What is {CURRENT} in {client.secret_name} gets a token, valid for {seconds} seconds.")


def finish_client(server: Server, consumer: str, connect: Connect, tell: Tell, *, dry_run: bool = False) -> None:
    """Delete every secret of a consumer's client but the newest, which has to be the one that the consumer reads."""
    client, cognito, secrets_manager = _client(server, consumer, connect)
    *old, (newest, made) = _client_secrets(cognito, client)
    if not old:
        tell(f"The client of {consumer} has one secret, {newest}: nothing is left to finish.")
        return
    versions = _versions(secrets_manager, client.secret_name)
    if _pending(versions) is not None:
        raise InputError(f"{consumer}: its second secret is not in place yet; run the command without --finish first")
    if versions[CURRENT].created < made - CLOCKS:
        raise InputError(
            f"{consumer}: what is {CURRENT} in {client.secret_name} is from {_clock(versions[CURRENT].created)}, and the newest secret of "
            f"the client from {_clock(made)}: {consumer} does not read the newest, and would be locked out. Put that value there, or "
            f"delete the secret {newest}, as the client secrets part of operations.md says; nothing was changed"
        )
    if dry_run:
        tell(f"Would see that what is {CURRENT} in {client.secret_name} gets a token, and delete {', '.join(id_ for id_, _ in old)}.")
        return
    if _token_seconds(client, _value(secrets_manager, client.secret_name, CURRENT)) is None:
        raise InputError(f"{consumer}: what is {CURRENT} in {client.secret_name} gets no token; nothing was deleted. See --try")
    for id_, _ in old:
        with _failing(f"deleting the secret {id_}", f"It is still valid beside the newest one, {newest}; run the command again."):
            cognito.delete_user_pool_client_secret(UserPoolId=client.pool, ClientId=client.id, ClientSecretId=id_)
        tell(f"Deleted {id_}, an old secret of {consumer}.")
    tell(f"The client of {consumer} has one secret, {newest}.")


def _package_for(system: str | None, stack: str | None) -> Path | None:
    """The package of the system below `out/`; without a name the only one there, unless the stack says which system it is."""
    if system is not None:
        folder = Path("out") / system
        return folder if read_manifest(folder) else None
    if stack is not None:
        if not stack.endswith("-server"):
            raise InputError(f"--stack {stack}: does not name its system as <system>-server does; name the package too, with --package")
        folder = Path("out") / stack.removesuffix("-server")
        return folder if read_manifest(folder) else None
    packages = built_packages()
    if len(packages) != 1:
        found = ", ".join(map(str, packages)) or "none"
        raise InputError(f"out: name the system by --package or --stack ({found} found here)")
    return packages[0]


def _region_of(package: Path) -> str:
    """The region for which a package was built: where its example parameters have the image."""
    file = package / "cloudformation" / "parameters.example.json"
    try:
        parameters = json.loads(file.read_text(encoding="utf-8"))["server"]
        (image,) = (entry["ParameterValue"] for entry in parameters if entry["ParameterKey"] == "ImageUri")
        found = re.search(r"\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.", image)
    except (OSError, ValueError, LookupError, TypeError):
        found = None
    if found is None:
        raise InputError(f"{file}: does not name the region; name it with --region, or build the package again")
    return found[1]


def _outputs(server: Server, connect: Connect) -> dict[str, str]:
    """Outputs of the server stack. Raises InputError where there is no such stack."""
    from botocore.exceptions import ClientError

    with _failing(f"reading the outputs of {server.stack} in {server.region}", "Nothing was changed."):
        try:
            (stack,) = connect("cloudformation").describe_stacks(StackName=server.stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError" or "does not exist" not in str(error):
                raise
            raise InputError(
                f"{server.stack}: no such stack in {server.region} of this account; correct the name, --region or the credentials"
            ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def _client(server: Server, consumer: str, connect: Connect) -> tuple[Client, Any, Any]:
    """The client of a consumer, with the AWS clients of Cognito and Secrets Manager."""
    outputs = _outputs(server, connect)
    if "TokenUrl" not in outputs:
        raise _without_pool(server)
    output = f"{client_logical_id(consumer)}Id"
    if output not in outputs:
        there = ", ".join(sorted(key for key in outputs if key.endswith("ClientId"))) or "none"
        raise InputError(f"{server.stack}: has no client of a consumer {consumer!r} (outputs of clients: {there}); correct the name")
    with _failing(f"reading {USER_POOL} of {server.stack}", "Nothing was changed."):
        found = connect("cloudformation").describe_stack_resource(StackName=server.stack, LogicalResourceId=USER_POOL)
    client = Client(
        consumer=consumer,
        pool=found["StackResourceDetail"]["PhysicalResourceId"],
        id=outputs[output],
        secret_name=f"{server.system}/{consumer}/client-secret",
        token_url=outputs["TokenUrl"],
        scope=outputs.get("Scope", ""),
    )
    return client, connect("cognito-idp"), connect("secretsmanager")


def _client_secrets(cognito: Any, client: Client) -> list[tuple[str, datetime]]:
    """Id and date of each secret of a client, oldest first. Raises InputError where clients cannot have a second one."""
    from botocore.exceptions import ClientError

    not_offered = InputError(
        f"{client.consumer}: this region, or the botocore installed here, does not offer a second secret of a client; nothing was changed. "
        "Let CloudFormation make a second client: add a consumer with another name to auth.consumers, update, move the consumer to its id "
        "and secret, then remove the old name and update again (operations.md)"
    )
    if not hasattr(cognito, "list_user_pool_client_secrets"):
        raise not_offered
    with _failing(f"listing the secrets of the client of {client.consumer}", "Nothing was changed."):
        try:
            found = cognito.list_user_pool_client_secrets(UserPoolId=client.pool, ClientId=client.id)["ClientSecrets"]
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_OFFERED:
                raise not_offered from error
            raise
    if not found:
        raise InputError(f"{client.consumer}: its client has no secret, hence none to rotate")
    return sorted(((each["ClientSecretId"], each["ClientSecretCreateDate"]) for each in found), key=lambda each: each[1])


def _versions(secrets_manager: Any, secret: str) -> dict[str, Version]:
    """The versions of a secret by staging label."""
    from botocore.exceptions import ClientError

    with _failing(f"reading the versions of {secret}", "Nothing was changed."):
        try:
            listed = secrets_manager.list_secret_version_ids(SecretId=secret, MaxResults=100)["Versions"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise InputError(f"{secret}: no such secret in Secrets Manager; make it as deploy.md says, then rotate it") from error
    found = {stage: Version(each["VersionId"], each["CreatedDate"]) for each in listed for stage in each.get("VersionStages", ())}
    if CURRENT not in found:
        raise InputError(f"{secret}: has no version {CURRENT}; put the value that is in use there first")
    return found


def _pending(versions: Mapping[str, Version]) -> Version | None:
    """The version that waits to become current. The label stays where it is once that has happened, and after later rotations by hand."""
    pending = versions.get(PENDING)
    return pending if pending is not None and pending.created > versions[CURRENT].created else None


def _value(secrets_manager: Any, secret: str, stage: str) -> str:
    with _failing(f"reading what is {stage} in {secret}", "Nothing was changed by this run."):
        return str(secrets_manager.get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"])


def _random(secrets_manager: Any, length: int) -> str:
    with _failing("asking Secrets Manager for a random value", "Nothing was changed."):
        return str(secrets_manager.get_random_password(PasswordLength=length, ExcludePunctuation=True)["RandomPassword"])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the secret to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _token_seconds(client: Client, secret: str) -> int | None:
    """How long a token lives that this secret gets; None where the token domain does not know the secret."""
    url = urlsplit(client.token_url)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        raise InputError(f"{client.token_url}: the output TokenUrl is no https address; a secret is not sent there")
    basic = base64.b64encode(f"{client.id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", **({"scope": client.scope} if client.scope else {})}
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
        client.token_url,
        data=urlencode(form).encode(),
        headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TOKEN_SECONDS) as response:
            return int(json.load(response)["expires_in"])
    except urllib.error.HTTPError as refusal:
        with refusal:
            said = _error_code(refusal.read(10_000))
        if said == "invalid_client":
            return None
        why = f"answers {refusal.code}" + (f" {said}" if said else "")
    except (OSError, ValueError, LookupError, TypeError) as error:
        why = f"cannot be asked ({error})"
    raise RotationError(f"{client.token_url}: {why}, so that it is not known whether the secret of {client.consumer} is good. "
                        "No secret was deleted; run the command again.")  # fmt: skip


def _error_code(body: bytes) -> str:
    """`error` of an OAuth answer, where it is one."""
    try:
        code = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError):
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,60}", code) else ""


@contextmanager
def _failing(what: str, otherwise: str, hidden: str = "") -> Iterator[None]:
    """Tell an error of AWS by what was being done and how things stand; `hidden` is kept out of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        said = str(error).replace(hidden, "…") if hidden else str(error)
        raise RotationError(f"{what} failed: {said.rstrip('.')}. {otherwise}") from None


def _clock(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def _minutes(time: timedelta) -> str:
    return f"{int(time.total_seconds() // 60)} minutes"
