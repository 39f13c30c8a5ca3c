"""The commands of learning: `attenda learn …`; each does its work in files, without the server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from attenda.cli.heartbeat import heartbeat
from attenda.cli.invocation import JsonFlag, language, settings_of
from attenda.learn import launch
from attenda.learn.plan import Recipe

__all__ = ["learn_app"]

learn_app = typer.Typer(no_args_is_help=True)

DataOption = Annotated[
    list[Path] | None, typer.Option("--data", help="Files or folders of conversations.")
]
ModelOption = Annotated[
    str, typer.Option("-m", "--model", help="Preset, run, folder, GGUF file or installed model.")
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the run.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="A plan as TOML.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any value of the plan, such as train.rate=3e-4."),
]
EpochsOption = Annotated[float | None, typer.Option(help="Times through the data.")]
StepsOption = Annotated[int | None, typer.Option(help="Optimizer steps, instead of epochs.")]
BatchOption = Annotated[int | None, typer.Option(help="Rows of a step.")]
LengthOption = Annotated[int | None, typer.Option(help="Tokens of a row.")]
RateOption = Annotated[float | None, typer.Option(help="Peak learning rate.")]
SpreadOption = Annotated[
    str | None, typer.Option(help="How processes started by torchrun share it: ddp or fsdp.")
]
DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would take, and do nothing.")
]


@learn_app.callback()
def give_signs_of_life(context: typer.Context) -> None:
    """Learn: look data over, train, tune, measure, export, look inside."""
    if not launch.rank():
        context.with_resource(heartbeat(language()))


@learn_app.command("doctor")
def learn_doctor(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of conversations.")],
    format: Annotated[str, typer.Option(help="Their format; none is recognised.")] = "",
    fix: Annotated[Path | None, typer.Option(help="Write a clean copy here.")] = None,
    redact: Annotated[
        bool, typer.Option("--redact", help="In the copy: marks for addresses and numbers.")
    ] = False,
    validation: Annotated[Path | None, typer.Option(help="Look for its text in the data.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look conversations over before a model learns from them; each problem with its fix.

    Example: `attenda learn doctor support.csv --fix clean.jsonl`
    """
    from attenda.cli.learn_doctor import run_doctor

    code = run_doctor(
        paths,
        format=format,
        fix=fix,
        redact=redact,
        validation=validation,
        as_json=as_json,
        language=language(),
    )
    raise typer.Exit(code)


@learn_app.command("tokenizer")
def learn_tokenizer(
    data: DataOption = None,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("tokenizer"),
    vocabulary: Annotated[int, typer.Option(min=300, help="How many tokens.")] = 4096,
    template: Annotated[str, typer.Option(help="Chat template.")] = "chatml",
    as_json: JsonFlag = False,
) -> None:
    """Learn a vocabulary from conversations.

    Example: `attenda learn tokenizer --data clean.jsonl --out tokenizer`
    """
    from attenda.cli.learn_files import make_tokenizer

    make_tokenizer(data or [], out, vocabulary, template, as_json=as_json)


@learn_app.command("pretrain")
def learn_pretrain(
    context: typer.Context,
    data: DataOption = None,
    model: ModelOption = "",
    name: NameOption = "",
    tokenizer: Annotated[Path | None, typer.Option(help="Folder of a tokenizer.")] = None,
    config: ConfigOption = None,
    epochs: EpochsOption = None,
    steps: StepsOption = None,
    batch: BatchOption = None,
    length: LengthOption = None,
    rate: RateOption = None,
    spread: SpreadOption = None,
    values: SetOption = None,
    dry_run: DryOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a model from scratch, or further, on all of each conversation.

    Example: `attenda learn pretrain --data films.jsonl --model gpt2-3m --name films`
    """
    flags = _flags(data, model, epochs, steps, batch, length, rate, spread)
    flags["model"]["tokenizer"] = tokenizer
    _run(context, "pretrain", name, config, flags, values, dry_run=dry_run, as_json=as_json)


@learn_app.command("tune")
def learn_tune(
    context: typer.Context,
    data: DataOption = None,
    model: ModelOption = "",
    name: NameOption = "",
    lora: Annotated[int | None, typer.Option(help="Rank of a LoRA detour; 0 is all.")] = None,
    config: ConfigOption = None,
    epochs: EpochsOption = None,
    steps: StepsOption = None,
    batch: BatchOption = None,
    length: LengthOption = None,
    rate: RateOption = None,
    spread: SpreadOption = None,
    values: SetOption = None,
    dry_run: DryOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Tune a model to answer as the assistant in the conversations does.

    Example: `attenda learn tune --data support.csv --model smollm2-135m-instruct --lora 16`
    """
    flags = {
        **_flags(data, model, epochs, steps, batch, length, rate, spread),
        "lora": {"rank": lora},
    }
    _run(context, "tune", name, config, flags, values, dry_run=dry_run, as_json=as_json)


@learn_app.command("prefer")
def learn_prefer(
    context: typer.Context,
    data: DataOption = None,
    model: ModelOption = "",
    name: NameOption = "",
    lora: Annotated[int | None, typer.Option(help="Rank of a LoRA detour; 0 is all.")] = None,
    config: ConfigOption = None,
    epochs: EpochsOption = None,
    steps: StepsOption = None,
    batch: BatchOption = None,
    length: LengthOption = None,
    rate: RateOption = None,
    spread: SpreadOption = None,
    values: SetOption = None,
    dry_run: DryOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Teach a model which of two answers is the better one (DPO).

    Example: `attenda learn prefer --data pairs.jsonl --model my-run --lora 16`
    """
    flags = {
        **_flags(data, model, epochs, steps, batch, length, rate, spread),
        "lora": {"rank": lora},
    }
    _run(context, "prefer", name, config, flags, values, dry_run=dry_run, as_json=as_json)


@learn_app.command("resume")
def learn_resume(
    context: typer.Context, name: Annotated[str, typer.Argument()], as_json: JsonFlag = False
) -> None:
    """Go on with a run that was stopped or killed, exactly where it stood.

    Example: `attenda learn resume films`
    """
    from attenda.cli.learn_runs import resume

    resume(settings_of(context).home, name, language(), as_json=as_json)


@learn_app.command("stop")
def learn_stop(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Ask a run to save and end.

    Example: `attenda learn stop films`
    """
    from attenda.cli.learn_runs import stop

    stop(settings_of(context).home, name)


@learn_app.command("runs")
def learn_runs(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the runs.

    Example: `attenda learn runs`
    """
    from attenda.cli.learn_runs import list_runs

    list_runs(settings_of(context).home, language(), as_json=as_json)


@learn_app.command("sample")
def learn_sample(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Run, folder, GGUF file or installed model.")],
    text: Annotated[str, typer.Argument(help="What to say to it.")],
    count: Annotated[int, typer.Option("-n", min=1, max=64, help="How many answers.")] = 1,
    tokens: Annotated[int, typer.Option(min=1, help="Most tokens of each.")] = 64,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest.")] = 0.0,
    top_p: Annotated[float, typer.Option(min=0, max=1)] = 1.0,
    seed: Annotated[int, typer.Option()] = 0,
    template: Annotated[str, typer.Option(help="Chat template, if it can't be told.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Say something to a model in memory and print its answers.

    Example: `attenda learn sample films "Where were you?" -n 3 --temperature 0.8`
    """
    from attenda.cli.learn_files import sample

    how = {"most": tokens, "temperature": temperature, "top_p": top_p, "seed": seed}
    sample(settings_of(context).home, model, text, count, how, template, as_json=as_json)


@learn_app.command("eval")
def learn_eval(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(help="Runs, folders, GGUF files or models.")],
    data: DataOption = None,
    template: Annotated[str, typer.Option(help="Chat template, if it can't be told.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Measure models on the same conversations, side by side.

    Example: `attenda learn eval smollm2-135m-instruct my-run --data held-out.jsonl`
    """
    from attenda.cli.learn_files import evaluate

    home = settings_of(context).home
    evaluate(home, models, data or [], template, language(), as_json=as_json)


@learn_app.command("export")
def learn_export(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Run, folder, GGUF file or installed model.")],
    out: Annotated[Path, typer.Argument(help="File.gguf, or a folder to write.")],
    kind: Annotated[str, typer.Option(help="f16, q8_0 or q4_0 (GGUF alone).")] = "q8_0",
    template: Annotated[str, typer.Option(help="Chat template, if it can't be told.")] = "",
) -> None:
    """Write a model as one GGUF file, or as a folder in Hugging Face's shape.

    Example: `attenda learn export my-run my-run.gguf --kind q8_0`
    """
    from attenda.cli.learn_files import export

    export(settings_of(context).home, model, out, kind, template)


@learn_app.command("lens")
def learn_lens(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Run, folder, GGUF file or installed model.")],
    text: Annotated[str, typer.Argument(help="What it reads.")],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("lens.html"),
    chat: Annotated[bool, typer.Option("--chat", help="The text is a user's message.")] = False,
    template: Annotated[str, typer.Option(help="Chat template, if it can't be told.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """See inside a model while it reads: attention, losses and guesses, as a page.

    Example: `attenda learn lens films "Where were you last night?" --out lens.html`
    """
    from attenda.cli.learn_lens import lens

    home = settings_of(context).home
    lens(home, model, text, out, template, chat=chat, as_json=as_json)


@learn_app.command("mask")
def learn_mask(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="Run, folder, GGUF file, model or tokenizer.")],
    data: DataOption = None,
    count: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many rows.")] = 3,
    out: Annotated[Path | None, typer.Option(help="Page to write, instead of printing.")] = None,
    whole: Annotated[bool, typer.Option("--all", help="As pretraining learns: all of it.")] = False,
    template: Annotated[str, typer.Option(help="Chat template, if it can't be told.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Show which tokens of the data a model learns, and which it only reads.

    Example: `attenda learn mask smollm2-135m-instruct --data support.csv -n 3`
    """
    from attenda.cli.learn_lens import mask, show_mask

    home = settings_of(context).home
    rows = mask(home, model, template, data or [], count, all_learned=whole)
    show_mask(rows, model, out, as_json=as_json)


@learn_app.command("report")
def learn_report(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Run, or its folder.")],
    out: Annotated[Path | None, typer.Option(help="Page to write; else in the run.")] = None,
) -> None:
    """Write a run's report as a page: curves, figures, samples, data and plan.

    Example: `attenda learn report films --out films.html`
    """
    from attenda.cli.learn_lens import write_report

    write_report(settings_of(context).home, name, out)


def _flags(
    data: list[Path] | None,
    model: str,
    epochs: float | None,
    steps: int | None,
    batch: int | None,
    length: int | None,
    rate: float | None,
    spread: str | None,
) -> dict[str, Any]:
    train: dict[str, object] = {"epochs": epochs, "steps": steps, "batch": batch}
    train |= {"length": length, "rate": rate, "spread": spread}
    return {"data": {"files": data or None}, "model": {"start": model or None}, "train": train}


def _run(
    context: typer.Context,
    recipe: Recipe,
    name: str,
    config: Path | None,
    flags: dict[str, Any],
    values: list[str] | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from attenda.cli.learn_runs import begin

    home, plan = settings_of(context).home, (recipe, config, flags, values or [])
    begin(home, name, plan, language(), dry_run=dry_run, as_json=as_json)
