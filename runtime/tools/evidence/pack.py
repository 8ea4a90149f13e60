"""Pack: tools, MCP resources and prompt over one package, put together."""

from __future__ import annotations

from claimstack.runtime.tools import AwsAccess, Pack
from claimstack.runtime.tools.evidence.desk import Desk
from claimstack.runtime.tools.evidence.documents import make_resources
from claimstack.runtime.tools.evidence.errors import PackageError
from claimstack.runtime.tools.evidence.interview import make_prompts
from claimstack.runtime.tools.evidence.package import open_package
from claimstack.runtime.tools.evidence.source import FolderSource, S3Source, open_source
from claimstack.runtime.tools.evidence.tools import make_tools

READS_PACKAGE = AwsAccess("s3", ("s3:GetObject",), ("evidence-package",))


def make_pack(location: str, scope: str) -> Pack:
    """Raises PackageError with the location, which is for whoever starts the server; later errors name files of the package only."""
    try:
        source = open_source(location)
        package = open_package(source)
        if isinstance(source, FolderSource):  # from S3, every start would fetch what may never be asked for
            package.check_files()
    except PackageError as error:
        raise PackageError(f"{location}: {error}") from error
    desk = Desk(package)
    needs = (READS_PACKAGE,) if isinstance(source, S3Source) else ()
    return Pack(name="evidence", tools=make_tools(desk, needs), resources=make_resources(desk), prompts=make_prompts(desk), scope=scope)
