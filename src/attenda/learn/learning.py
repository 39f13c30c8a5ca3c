"""A run from its plan to a finished model: begin or go on, learn, save, measure, finish.

What is done at each step is here in order; how, is in the other files. A run that was killed
goes on from its newest whole checkpoint, exactly as if it had never stopped.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from attenda.core.errors import AttendaError, OperatorError, UserError
from attenda.core.template import TEMPLATES, template_hash
from attenda.learn import devices, launch
from attenda.learn.batches import Corpus
from attenda.learn.checkpoint import latest, load_checkpoint, save_checkpoint
from attenda.learn.families import PRESETS, preset
from attenda.learn.finish import Finishing, finish, general_surprise
from attenda.learn.lora import add_lora
from attenda.learn.measure import surprise
from attenda.learn.model_folder import read_tokenizer
from attenda.learn.optimizers import OptimizerPlan, Schedule, make_optimizers
from attenda.learn.people import erased_people, people_of
from attenda.learn.plan import Plan
from attenda.learn.recipes import Lesson, corpus_of, make_lesson
from attenda.learn.report import write_report
from attenda.learn.rows import DataSplit, overlap, questions, read_data, rendered
from attenda.learn.run_folder import RunFolder
from attenda.learn.sample import Sampling, generate
from attenda.learn.sources import Source, find_source, open_source
from attenda.learn.spread import Spread, joined_spread
from attenda.learn.task import make_task, task_scores
from attenda.learn.tokenizer import TextTokenizer, train_tokenizer
from attenda.learn.trainer import Learner, Report, TrainState, train
from attenda.learn.transformer import Decoder, Encoder, Transformer, build, fast_type
from attenda.learn.watch import Silent, Watch, now_and_then

__all__ = ["Run", "conclude", "learn", "measure_before", "prepare"]

_MEASURED_ROWS = 64
"""Rows of the validation text that are measured while learning; more at the end."""
_SAMPLES = 3


@dataclass(slots=True)
class Run:
    """A run under way."""

    folder: RunFolder
    plan: Plan
    watch: Watch
    data: DataSplit
    model: Transformer
    tokenizer: TextTokenizer
    base: dict[str, str]
    spread: Spread
    lesson: Lesson
    learner: Learner
    compute: torch.dtype
    """What it computes in."""
    began: float = field(default_factory=time.perf_counter)
    first_step: int = 0
    measured: Corpus | None = None
    """The validation text as the recipe sees it, once it was measured on."""


def learn(folder: RunFolder, home: Path, watch: Watch) -> dict[str, Any]:
    """Carry a run out, from its beginning or from where it stood; the facts noted of it.

    Args:
        folder: of the run, with its plan.
        home: where names of models are looked up.
        watch: who looks on.

    Raises:
        AttendaError: what stands in the way, or broke it off; the last good checkpoint stays.
    """
    if launch.rank():
        with joined_spread(folder) as spread:
            return _carry_out(folder, home, Silent(), spread)
    with folder.held():
        folder.asked_to_stop()
        folder.note(status="running", pid=os.getpid(), problem="", problem_key="")
        try:
            with joined_spread(folder) as spread:
                return _carry_out(folder, home, watch, spread)
        except AttendaError as error:
            named = {"problem_key": error.key, "problem_values": error.plain_values}
            folder.note(status="failed", problem=str(error), **named)
            raise
        except BaseException as error:
            folder.note(status="stopped", problem=type(error).__name__)
            raise


def _carry_out(folder: RunFolder, home: Path, watch: Watch, spread: Spread) -> dict[str, Any]:
    try:
        run = prepare(folder, home, watch, spread)
        state = _resume(run)
        run.first_step = state.step
        if state.step == 0:
            measure_before(run)
            devices.hand_back()
        state = train(run.learner, run.lesson.source, state, _each_step(run))
        return _end(run, state)
    except RuntimeError as error:
        devices.refuse_out_of_memory(error, folder.plan().train.batch)
        raise


def _end(run: Run, state: TrainState) -> dict[str, Any]:
    """Finish the run if it took its last step; what is noted of it, in the leading process."""
    folder = run.folder
    if state.step < run.learner.schedule.steps:
        if not run.spread.leads:
            return {}
        folder.note(status="stopped", step=state.step)
        return folder.facts()
    figures = conclude(run)
    if figures is None:
        return {}
    seconds = time.perf_counter() - run.began
    folder.note(status="finished", step=state.step, figures=figures, last_seconds=seconds)
    with suppress(OSError):  # a full disk costs the page, not the run
        write_report(folder)
    return folder.facts()


def conclude(run: Run, **limits: int) -> dict[str, Any] | None:
    """Write and measure the finished model; its figures, in the leading process.

    What moved the weights is let go of: the whole model takes its memory now. `limits` are
    `Finishing`'s, where less is to be measured.
    """
    run.watch.doing("learn.doing.finish")
    # the finished model holds the 32-bit weights, not their 16-bit copies
    model = run.spread.whole_model(run.model, run.learner.weights, torch.float32)
    learned = run.lesson.corpus
    del run.model, run.learner, run.lesson
    devices.hand_back()
    if model is None:
        return None
    finishing = Finishing(
        folder=run.folder,
        plan=run.plan,
        model=model,
        tokenizer=run.tokenizer,
        data=run.data,
        learned=learned,
        base=run.base,
        told=now_and_then(run.watch),
        **limits,
    )
    with devices.uncompiled():
        return finish(finishing)


def prepare(folder: RunFolder, home: Path, watch: Watch, spread: Spread) -> Run:
    """A run with its data, its model and all that moves it, before its first step."""
    plan = folder.plan()
    torch.manual_seed(plan.train.seed)
    devices.keep_few_kernels()
    watch.doing("learn.doing.read")
    data = read_data(plan.data, plan.train.seed, watch.problem, erased_people(home))
    facts = folder.facts()
    if facts.get("data", data.fingerprint) != data.fingerprint:
        raise UserError("learn.run.data_changed", name=folder.name)
    if data.validation and "overlap" not in facts:
        found = overlap(plan.data, data)
        watch.doing("learn.doing.overlap", **found.shown)
        if spread.leads:
            known = {"checked": found.checked, "known": found.near, "share": found.share}
            folder.note(overlap=known)
    model, tokenizer, base = _beginning(folder, plan, home, watch, data, leads=spread.leads)
    if facts.get("base", base) != base:
        raise UserError("learn.run.base_changed", name=folder.name, base=base["name"])
    if facts.get("template", template_hash(tokenizer.template)) != template_hash(
        tokenizer.template
    ):
        raise UserError("learn.template.changed", name=tokenizer.template.name)
    if not spread.agrees(data.fingerprint, base):
        raise OperatorError("learn.spread.differs", name=folder.name)
    if plan.lora.rank:
        add_lora(model, plan.lora.rank, plan.lora.alpha, plan.lora.targets, plan.train.seed)
    watch.doing("learn.doing.pack")
    lesson = make_lesson(model, tokenizer, data.train, plan, spread)
    device = devices.device_of(plan.train.device)
    wanted = {"fp32": torch.float32, "bf16": torch.bfloat16}
    compute = wanted.get(plan.train.precision) or fast_type(device.type)
    learner = _learner(model, lesson, plan, spread, (compute, device))
    run = Run(folder, plan, watch, data, model, tokenizer, base, spread, lesson, learner, compute)
    if spread.leads:
        _note_beginning(run, _people(data, plan, home))
    return run


def _beginning(
    folder: RunFolder, plan: Plan, home: Path, watch: Watch, data: DataSplit, *, leads: bool
) -> tuple[Transformer, TextTokenizer, dict[str, str]]:
    """The model as it is before the first step, its tokenizer, and what it is."""
    if plan.model.start not in PRESETS:
        source: Source = find_source(plan.model.start, home)
        watch.doing("learn.doing.open", name=source.name)
        model, tokenizer = open_source(source, plan.model.template)
        return model, tokenizer, {"name": source.name, "sha256": source.sha256}
    name = plan.model.template or "chatml"
    if name not in TEMPLATES:
        raise UserError("learn.template.unknown", name=name, known=", ".join(TEMPLATES))
    template = TEMPLATES[name]
    if plan.model.tokenizer is not None:
        tokenizer = read_tokenizer(plan.model.tokenizer, name)
    elif (folder.tokenizer / "tokenizer.json").exists():
        tokenizer = read_tokenizer(folder.tokenizer, name)
    else:
        watch.doing("learn.doing.tokenizer", size=plan.model.vocabulary)
        texts = rendered(data.train, template)
        tokenizer = train_tokenizer(texts, plan.model.vocabulary, template)
        if leads:
            folder.keep_tokenizer(tokenizer.to_json())
    shape = preset(plan.model.start, tokenizer.vocabulary, plan.model.dropout)
    return build(shape, plan.train.seed), tokenizer, {"name": plan.model.start, "sha256": ""}


def _learner(
    model: Transformer,
    lesson: Lesson,
    plan: Plan,
    spread: Spread,
    how_computed: tuple[torch.dtype, torch.device],
) -> Learner:
    compute, device = how_computed
    how = plan.train
    steps = how.steps or max(round(how.epochs * lesson.steps_in_epoch), 1)
    compiled = devices.compiles(plan.train.compile, device, steps, detour=bool(plan.lora.rank))
    for stack in model.stacks():
        stack.recompute = how.recompute
        if compiled:
            stack.compile_parts(device)
    optimizer = OptimizerPlan(
        kind=how.optimizer, rate=how.rate, muon_rate=how.muon_rate, decay=how.weight_decay
    )
    objective, weights = spread.share(lesson.objective, model, compute, device)
    return Learner(
        objective=objective,
        weights=weights,
        optimizers=make_optimizers(weights.named(), optimizer),
        schedule=Schedule(how.schedule, steps, round(how.warmup * steps), how.decay, how.lowest),
        clip=how.clip,
        spread=spread,
    )


def _people(data: DataSplit, plan: Plan, home: Path) -> list[str]:
    """Marks of those whose conversations the model learns from, or the run shows."""
    start = plan.model.start
    earlier = [] if start in PRESETS else find_source(start, home).people
    return people_of([*data.train, *data.validation], earlier)


def _note_beginning(run: Run, people: list[str]) -> None:
    corpus = run.lesson.corpus
    run.folder.note(
        recipe=run.plan.recipe,
        base=run.base,
        data=run.data.fingerprint,
        people=people,
        template=template_hash(run.tokenizer.template),
        steps=run.learner.schedule.steps,
        parameters=sum(weight.numel() for weight in run.model.parameters()),
        moving=sum(weight.numel() for weight in run.learner.weights.weights),
        conversations=len(run.data.train),
        validation=len(run.data.validation),
        tokens=corpus.tokens,
        learned_tokens=corpus.learned_count,
        learned_share=corpus.learned_share,
        shortened=corpus.shortened,
        dropped=len(corpus.dropped),
        threads=torch.get_num_threads(),
        device=str(run.learner.weights.weights[0].device),
    )


def _resume(run: Run) -> TrainState:
    """Where the newest whole checkpoint stood, put back; else the beginning.

    Raises:
        OperatorError: not every process sees that checkpoint.
    """
    path, torn = latest(run.folder.checkpoints)
    for one in torn:
        run.watch.doing("learn.doing.torn", path=one.name)
    state = TrainState()
    if path is not None:
        run.watch.doing("learn.doing.resume", path=path.name)
        state = load_checkpoint(path, run.learner)
    if not run.spread.agrees(state.step):
        raise OperatorError("learn.spread.differs", name=run.folder.name)
    return state


def _each_step(run: Run) -> Callable[[TrainState, Report], bool]:
    """What is done after each step: show, note, measure, save, and end if somebody asks."""
    how, steps = run.plan.train, run.learner.schedule.steps
    began = time.perf_counter()

    def after(state: TrainState, report: Report) -> bool:
        ends = False
        if run.spread.leads:
            spent = time.perf_counter() - began
            left_s = spent / max(state.step - run.first_step, 1) * (steps - state.step)
            _tell(run, report, left_s)
            ends = run.watch.wants_to_stop() or run.folder.asked_to_stop()
        ends = run.spread.any(ends)  # all end after the same step
        if state.step % how.measure_every == 0 and state.step < steps:
            _measure(run, state)
        if ends or state.step % how.save_every == 0 or state.step == steps:
            save_checkpoint(run.folder.checkpoints, state, run.learner, passing=run.watch.passing)
        return ends

    return after


def _tell(run: Run, report: Report, left_s: float) -> None:
    run.watch.step(report, run.learner.schedule.steps, left_s)
    run.folder.add_metrics(
        {
            "step": report.step,
            "loss": report.loss,
            "norm": report.norm,
            "rate": report.rate,
            "tokens_per_s": round(report.tokens_per_s, 1),
            "learned": report.learned,
            "left_s": round(left_s, 1),
        }
    )


def measure_before(run: Run, most_asked: int | None = None) -> None:
    """What the model is like before its first step; a preset's random weights are not asked.

    At most `most_asked` questions of each kind of the task are put to it.
    """
    if not run.base["sha256"]:
        return
    if not isinstance(run.model, Encoder):
        _measure(run, TrainState())
    elif run.plan.recipe == "pretrain":  # it only hides tokens: neither of the two can be asked
        return
    model = run.spread.whole_model(run.model, run.learner.weights, run.compute)
    if model is None:
        return
    if run.plan.data.general is not None and not isinstance(model, Encoder):
        found = general_surprise(run.plan, model, run.tokenizer)
        run.folder.note(general_before=found.figures())
    task = make_task(run.data.validation, run.plan.train.seed).cut(most_asked)
    with devices.uncompiled():
        scores = task_scores(model, run.tokenizer, task, now_and_then(run.watch))
    run.folder.note(task_before=scores.figures())


def _measure(run: Run, state: TrainState) -> None:
    """Surprise on the validation text, and a few answers to look at."""
    if not run.data.validation or isinstance(run.model, Encoder):
        return
    model = run.spread.whole_model(run.model, run.learner.weights, run.compute)
    if model is None:
        return
    chance = torch.get_rng_state()
    if run.measured is None:
        run.measured = corpus_of(model, run.tokenizer, run.data.validation, run.plan)
    with devices.uncompiled():
        found = surprise(model, run.tokenizer, run.measured, rows=_MEASURED_ROWS)
        row = {"step": state.step, "validation": found.figures()}
        run.folder.add_metrics(row)
        run.watch.measured(row)
        if isinstance(model, Decoder):
            _add_samples(run, model, state.step)
    model.train()
    torch.set_rng_state(chance)


def _add_samples(run: Run, model: Decoder, step: int) -> None:
    asked = questions(run.data.validation, _SAMPLES)
    room = model.shape.context - 1
    prompts = [run.tokenizer.prompt(said)[-room:] for said in asked]
    if not prompts:
        return
    found = generate(model, prompts, run.tokenizer.stop_ids, Sampling(most=48))
    texts = [run.tokenizer.decode(ids, controls=False) for ids in found]
    pairs = [[said[-1].text, text] for said, text in zip(asked, texts, strict=True)]
    run.folder.add_samples({"step": step, "samples": pairs})
