"""`rightbay bench`: how fast we are beside others, on this machine and in one run."""

import typer

from rightbay.commands.bench_decode import decode
from rightbay.commands.bench_directory import directory
from rightbay.commands.bench_dtc import dtc
from rightbay.commands.bench_ingest import ingest
from rightbay.commands.bench_match import match

app = typer.Typer(no_args_is_help=True, help="Measure, beside others and in turns.")
app.command()(decode)
app.command()(directory)
app.command()(dtc)
app.command()(ingest)
app.command()(match)
