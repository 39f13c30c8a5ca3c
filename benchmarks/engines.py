"""Measures the embedded engines, bare and through the product, taking turns in one run.

Repeat it from the repository root:

    python benchmarks/engines.py --home HOME --repeat 5

HOME holds the default weights (`attenda models pull`). Each engine is loaded by its library alone
in a process of its own, behind `EmbeddedChat`, and (the platform's own engine) behind the whole
app, which is asked over HTTP by the OpenAI API; each scene is played by one after the other on the
same prompts. Prints one JSON object: medians, the processor seconds each scene cost, which a busy
machine distorts less, and medians of the ratios to the bare engine (over 1: the product is faster).
All sides load the same converted weights with the same settings.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Protocol

from attenda.cli.wiring import prepare_home
from attenda.core.message import text_message
from attenda.core.ports import ModelSettings, Usage
from attenda.core.template import TEMPLATES, render
from attenda.llm import catalogue
from attenda.llm.embedded import EmbeddedChat, open_embedded
from attenda.llm.loaded import engine_here
from attenda.llm.process import available_cpus

__all__ = ["main"]

Result = dict[str, float]
Scenes = dict[str, list[Result]]
CONTEXT_TOKENS = 8192
TOPICS = (
    "a lighthouse",
    "two brothers",
    "a lost key",
    "the sea",
    "a market",
    "snow",
    "a dog",
    "rain",
)


def main() -> None:
    """Read the arguments, measure, print JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="holds the default weights")
    parser.add_argument("--engine", action="append", choices=["openvino", "llamacpp"])
    parser.add_argument("--model", default=catalogue.DEFAULT_CHAT)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    model = catalogue.find(options.home, options.model)
    if options.bare:
        serve_bare(options.bare, str(model.path))
        return
    report = {
        "model": model.name,
        "cpus": available_cpus(),
        "repeat": options.repeat,
        "load_average_before": os.getloadavg()[0],
        "engines": {
            engine: asyncio.run(measure(model, engine, sys.argv, options.repeat))
            for engine in options.engine or ["openvino", "llamacpp"]
        },
        "load_average_after": os.getloadavg()[0],
    }
    print(json.dumps(report, indent=2))


def long_text(seed: str) -> str:
    """About 600 tokens that begin like no other seed's."""
    rules = (
        f"Rule {number} of {seed}: an account of kind {number * 7} costs {number + 3} dollars a "
        f"month, unless its balance stays above {number * 150} dollars for the whole month."
        for number in range(1, 15)
    )
    return " ".join(rules)


class Side(Protocol):
    """One of the two that take turns."""

    async def load(self) -> None: ...

    async def ask(self, questions: list[str], max_tokens: int) -> Result:
        """Ask all at once; seconds to the first text, seconds in all, tokens written."""
        ...

    def pid(self) -> int: ...

    async def close(self) -> None: ...


class Stack:
    """The product: `EmbeddedChat` over its child process."""

    def __init__(self, model: catalogue.LocalModel, engine: str) -> None:
        self._open: Callable[[], EmbeddedChat] = lambda: open_embedded(
            model, engine, CONTEXT_TOKENS, hang_s=600
        )
        self._chat = self._open()

    async def load(self) -> None:
        """Start the child."""
        self._chat = self._open()
        await self._chat.process.start()

    async def ask(self, questions: list[str], max_tokens: int) -> Result:
        """Stream all answers."""
        begun = time.perf_counter()
        firsts: list[float] = []

        async def one(question: str) -> Usage:
            messages = [text_message("user", question)]
            usage = Usage()
            async with aclosing(
                self._chat.stream(messages, ModelSettings(max_tokens=max_tokens))
            ) as chunks:
                async for chunk in chunks:
                    firsts.append(time.perf_counter() - begun)
                    usage = chunk.usage or usage
            return usage

        usages = await asyncio.gather(*(one(question) for question in questions))
        return {
            "first_s": min(firsts),
            "all_s": time.perf_counter() - begun,
            "tokens": sum(usage.answer_tokens for usage in usages),
            "prompt_tokens": sum(usage.prompt_tokens for usage in usages),
        }

    def pid(self) -> int:
        """The child's."""
        return self._chat.process.pid or 0

    async def close(self) -> None:
        """End the child."""
        await self._chat.close()


class App:
    """The whole app: `attenda up`, asked by the OpenAI API for the bare model."""

    def __init__(self, home: Path, model: str) -> None:
        self._home, self._model = home, model

    async def load(self) -> None:
        """Start the app and its engine."""
        self._folder = tempfile.TemporaryDirectory()
        (Path(self._folder.name) / "models").symlink_to((self._home / "models").resolve())
        words = [sys.executable, "-m", "attenda", "up", "--port", "0", "--no-open"]
        home = {"ATTENDA_HOME": self._folder.name}
        self._process = await asyncio.create_subprocess_exec(
            *words, env={**os.environ, **home}, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        lines = ""
        while not (found := re.search(r"http://[\d.]+:(\d+)/enter", lines)):
            lines += (await self._process.stdout.readline()).decode()
        self._port = int(found.group(1))
        key = prepare_home(Path(self._folder.name))
        self._head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
            "Connection: close\r\n"
        )
        await self.ask(["Hello"], 2)

    async def ask(self, questions: list[str], max_tokens: int) -> Result:
        """Stream all answers."""
        begun = time.perf_counter()
        firsts: list[float] = []

        async def one(question: str) -> dict[str, int]:
            body = {
                "model": f"raw/{self._model}",
                "messages": [{"role": "user", "content": question}],
                "max_tokens": max_tokens,
                "temperature": 0,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
            content = json.dumps(body).encode()
            head = f"{self._head}Content-Length: {len(content)}\r\n\r\n".encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(head + content)
            usage: dict[str, int] = {}
            while line := await reader.readline():  # plain sockets: a client library costs more
                if line.startswith(b"data: {"):
                    firsts.append(time.perf_counter() - begun)
                    usage = json.loads(line[6:]).get("usage") or usage
            writer.close()
            return usage

        usages = await asyncio.gather(*(one(question) for question in questions))
        return {
            "first_s": min(firsts),
            "all_s": time.perf_counter() - begun,
            "tokens": sum(usage["completion_tokens"] for usage in usages),
            "prompt_tokens": sum(usage["prompt_tokens"] for usage in usages),
        }

    def pid(self) -> int:
        """The app's own process, not its engine's."""
        return self._process.pid

    async def close(self) -> None:
        """End the app."""
        self._process.terminate()
        await self._process.wait()
        self._folder.cleanup()


class Bare:
    """The library alone, in a process that this file runs as `--bare`."""

    def __init__(self, arguments: list[str], engine: str) -> None:
        self._command = [sys.executable, *arguments, "--bare", engine]
        self._process: subprocess.Popen[str] | None = None

    async def load(self) -> None:
        """Start the process and wait until it is ready."""
        self._process = await asyncio.to_thread(
            subprocess.Popen,
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        await asyncio.to_thread(self._line)

    async def ask(self, questions: list[str], max_tokens: int) -> Result:
        """Hand the rendered prompts over; the process measures itself."""
        template = TEMPLATES["smollm2"]
        prompts = [render([text_message("user", one)], template) for one in questions]
        assert self._process is not None and self._process.stdin is not None
        print(json.dumps([prompts, max_tokens]), file=self._process.stdin, flush=True)
        answer: Result = await asyncio.to_thread(self._line)
        return answer

    def pid(self) -> int:
        """The process's."""
        return self._process.pid if self._process else 0

    async def close(self) -> None:
        """End the process."""
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def _line(self) -> Any:
        assert self._process is not None and self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


async def measure(
    model: catalogue.LocalModel, engine: str, arguments: list[str], repeat: int
) -> dict[str, Any]:
    """Play all scenes `repeat` times on both sides, in turns."""
    sides: dict[str, Side] = {
        "bare": Bare(arguments, engine),
        "stack": Stack(model, engine),
    }
    if engine == engine_here():
        sides["app"] = App(model.folder.parent.parent, model.name)
    played: dict[str, Scenes] = {name: defaultdict(list) for name in sides}
    await sides["stack"].load()  # converts the weights if need be, and warms the file cache
    await sides["stack"].close()
    for round_ in range(repeat):
        for name, side in sides.items():
            begun = time.perf_counter()
            await side.load()
            played[name]["load"].append({"load_s": time.perf_counter() - begun})
            played[name]["load"][-1]["cpu_s"] = cpu_seconds(side.pid())
            if round_ < repeat - 1:
                await side.close()
    # The first long prompt after a start is a scene of its own.
    for name, side in sides.items():
        played[name]["first_ever"].append(await play(side, "cold", f"{name} at first"))
    for round_ in range(repeat):
        for scene in SCENES:
            for name, side in sides.items():
                played[name][scene].append(await play(side, scene, f"{name}{round_}"))
    report = summary(played)
    counts = [int(one["prompt_tokens"]) for one in played["stack"]["cold"]]
    report["prompt_tokens"] = round(statistics.median(counts))
    for name, side in sides.items():
        report[name]["rss_mib"] = resident_mib(side.pid())
        await side.close()
    return report


SCENES = ("cold", "cached", "new_tail", "one_stream", "eight_streams")


async def play(side: Side, scene: str, seed: str) -> Result:
    """One scene on one side, with the processor seconds it cost."""
    before = cpu_seconds(side.pid())
    text = long_text(f"the house {seed}")
    match scene:
        case "cold" | "cached":
            result = await side.ask([text], 2)
        case "new_tail":
            result = await side.ask([f"{text} Which rule is the dearest?"], 2)
        case "one_stream":
            result = await side.ask([f"Write a long story about {TOPICS[0]}."], 96)
        case _:
            result = await side.ask([f"Write a long story about {one}." for one in TOPICS], 64)
    if scene == "one_stream":
        result["tokens_per_s"] = (result["tokens"] - 1) / (result["all_s"] - result["first_s"])
    if scene == "eight_streams":
        result["tokens_per_s"] = result["tokens"] / result["all_s"]
    return {**result, "cpu_s": cpu_seconds(side.pid()) - before}


def summary(played: dict[str, Scenes]) -> dict[str, Any]:
    """Medians of both sides, and of the pairs' ratios."""
    wanted = {
        "load": ("load_s", "cpu_s"),
        "first_ever": ("first_s", "cpu_s"),
        "cold": ("first_s", "cpu_s"),
        "cached": ("first_s", "cpu_s"),
        "new_tail": ("first_s", "cpu_s"),
        "one_stream": ("tokens_per_s", "cpu_s"),
        "eight_streams": ("tokens_per_s", "cpu_s"),
    }
    report: dict[str, Any] = {side: {} for side in played}
    for scene, keys in wanted.items():
        for key in keys:
            title = key if key == "load_s" else f"{scene}_{key}"
            values = {side: _values(scenes[scene], key) for side, scenes in played.items()}
            for side, own in values.items():
                report[side][title] = round(statistics.median(own), 3)
                if side != "bare":
                    pairs = list(zip(own, values["bare"], strict=True))
                    faster = key == "tokens_per_s"
                    ratios = [(mine / bare if faster else bare / mine) for mine, bare in pairs]
                    ratio = round(statistics.median(ratios), 2)
                    report.setdefault(f"{side}_over_bare", {})[title] = ratio
                    if key == "first_s":
                        added = statistics.median(1e3 * (mine - bare) for mine, bare in pairs)
                        report[f"{side}_over_bare"][f"{scene}_added_ms"] = round(added, 1)
    return report


def _values(results: list[Result], key: str) -> list[float]:
    return [max(result[key], 1e-3) for result in results]


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, where /proc tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> int:
    """Memory of a process, where /proc tells."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    return 0


def serve_bare(engine: str, path: str) -> None:
    """Load the library and answer lines of prompts with measurements until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # see `llm/child.py`
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    ask = {"openvino": bare_openvino, "llamacpp": bare_llamacpp}[engine](path)
    ask(["Hello " * 256], 2)
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        prompts, max_tokens = json.loads(line)
        print(json.dumps(ask(prompts, max_tokens)), file=answers, flush=True)
    os._exit(0)


Ask = Callable[[list[str], int], Result]


def bare_openvino(path: str) -> Ask:
    """OpenVINO GenAI with the settings of `llm/openvino.py`."""
    import openvino_genai as genai

    from attenda.llm.gguf_header import read_header
    from attenda.llm.openvino_model import converted, multiplies_bytes

    schedule = genai.SchedulerConfig()
    schedule.cache_size = 1
    schedule.enable_prefix_caching = True
    schedule.max_num_seqs = 16
    schedule.max_num_batched_tokens = 256
    properties: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": available_cpus(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    header = read_header(Path(path))
    if multiplies_bytes(Path(path), header):
        properties["INFERENCE_PRECISION_HINT"] = "f32"
    with converted(Path(path), header) as folder:
        tokenizer = genai.Tokenizer(folder)
        pipeline = genai.ContinuousBatchingPipeline(
            folder, tokenizer, schedule, "CPU", **properties
        )
    numbers = iter(range(1 << 30))

    def ask(prompts: list[str], max_tokens: int) -> Result:
        begun = time.perf_counter()
        config = genai.GenerationConfig()
        config.apply_chat_template = False
        config.max_new_tokens = max_tokens
        config.set_eos_token_id(tokenizer.get_eos_token_id())
        handles = [pipeline.add_request(next(numbers), prompt, config) for prompt in prompts]
        first_s, tokens = 0.0, 0
        while pipeline.has_non_finished_requests():
            pipeline.step()
            for handle in handles:
                while handle.can_read():
                    tokens += sum(len(one.generated_ids) for one in handle.read().values())
                    first_s = first_s or time.perf_counter() - begun
        return {"first_s": first_s, "all_s": time.perf_counter() - begun, "tokens": tokens}

    return ask


def bare_llamacpp(path: str) -> Ask:
    """Llama.cpp by xllamacpp with the settings of `llm/llamacpp.py`."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = path
    settings.hostnames = [f"{tempfile.mkdtemp()}/s.sock"]
    settings.n_ctx = 2 * CONTEXT_TOKENS
    settings.kv_unified = True
    settings.n_parallel = len(TOPICS)
    settings.n_batch = 256
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = available_cpus()
    settings.ui = False
    settings.verbosity = 1
    server = xllamacpp.Server(settings)

    def ask(prompts: list[str], max_tokens: int) -> Result:
        begun = time.perf_counter()
        firsts: list[float] = []
        counts: list[int] = []

        def one(prompt: str) -> None:
            def hear(piece: dict[str, Any]) -> None:
                firsts.append(time.perf_counter() - begun)
                if "usage" in piece:
                    counts.append(piece["usage"]["completion_tokens"])

            body = {"prompt": prompt, "max_tokens": max_tokens, "temperature": 0.0, "stream": True}
            server.handle_completions({**body, "cache_prompt": True}, hear)

        threads = [threading.Thread(target=one, args=(prompt,)) for prompt in prompts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        all_s = time.perf_counter() - begun
        return {"first_s": min(firsts), "all_s": all_s, "tokens": sum(counts)}

    return ask


if __name__ == "__main__":
    main()
