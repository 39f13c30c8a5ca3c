"""GGUF in process by OpenVINO GenAI, the default engine on x86-64.

Runs inside a model's child process (`child.py`). Requests are batched together by the library's
continuous batching; prompts that begin alike share their keys and values. It knows token ids and
prompts as text; messages and templates are the client's.
"""

from dataclasses import dataclass, field
from typing import Any

import openvino_genai as genai

from attenda.llm.child import Answer, EngineBroken, Request

__all__ = ["OpenVinoEngine"]

_HELD_BACK = "\ufffd"


@dataclass(slots=True)
class _Generation:
    """One request under way."""

    handle: Any
    prompt_tokens: int
    grammar: bool
    ids: list[int] = field(default_factory=list)
    done: int = 0
    """Ids whose text is out."""


class OpenVinoEngine:
    """Continuous batching over one GGUF model."""

    def __init__(
        self, path: str, threads: int, context_tokens: int, cache_gb: int = 1, parallel: int = 16
    ) -> None:
        """Load `path`; `cache_gb` bounds the keys and values of all requests together."""
        schedule = genai.SchedulerConfig()
        schedule.cache_size = cache_gb
        schedule.enable_prefix_caching = True
        schedule.max_num_seqs = parallel
        schedule.max_num_batched_tokens = 256
        properties = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self._pipeline = genai.ContinuousBatchingPipeline(path, schedule, "CPU", properties)
        self._tokenizer = self._pipeline.get_tokenizer()
        self._context_tokens = context_tokens
        self._running: dict[int, _Generation] = {}
        self._warm_up()

    def info(self) -> Answer:
        """Engine, library version, context and the file's own chat template."""
        return {
            "engine": f"openvino-genai {genai.get_version()}",
            "context_tokens": self._context_tokens,
            "chat_template": self._tokenizer.get_original_chat_template(),
        }

    def take(self, request: Request) -> list[Answer]:
        """Begin a generation, or count tokens."""
        if request["op"] == "count":
            count = self._count(request["text"])
            return [{"id": request["id"], "count": count, "end": True}]
        prompt_tokens = self._count(request["prompt"])
        room = self._context_tokens - prompt_tokens
        if room < 1:
            raise ValueError(f"{prompt_tokens} tokens do not fit {self._context_tokens}")
        config = self._config(request, room)
        handle = self._pipeline.add_request(request["id"], request["prompt"], config)
        self._running[request["id"]] = _Generation(
            handle, prompt_tokens, bool(request.get("grammar"))
        )
        return []

    def cancel(self, number: int) -> None:
        """Stop a generation in its middle."""
        generation = self._running.pop(number, None)
        if generation is not None:
            generation.handle.cancel()

    def busy(self) -> bool:
        """Whether any generation runs."""
        return bool(self._running) or self._pipeline.has_non_finished_requests()

    def step(self) -> list[Answer]:
        """One token for each running generation, or one part of a prompt."""
        if self._pipeline.has_non_finished_requests():
            try:
                self._pipeline.step()
            except RuntimeError as error:
                raise EngineBroken(self._blame(error)) from error
        answers: list[Answer] = []
        for number, generation in list(self._running.items()):
            answers.extend(self._read(number, generation))
        return answers

    def _read(self, number: int, generation: _Generation) -> list[Answer]:
        reason = None
        while generation.handle.can_read():
            for output in generation.handle.read().values():
                generation.ids.extend(output.generated_ids)
                reason = output.finish_reason
        ended = generation.handle.get_status() != genai.GenerationStatus.RUNNING
        text = self._new_text(generation, flush=ended)
        answers: list[Answer] = [{"id": number, "text": text}] if text else []
        if ended:
            del self._running[number]
            answers.append(
                {
                    "id": number,
                    "end": True,
                    "stop_reason": "length"
                    if reason == genai.GenerationFinishReason.LENGTH
                    else "stop",
                    "prompt_tokens": generation.prompt_tokens,
                    "answer_tokens": len(generation.ids),
                }
            )
        return answers

    def _new_text(self, generation: _Generation, *, flush: bool) -> str:
        """Text of the ids since the last whole character."""
        fresh = generation.ids[generation.done :]
        if not fresh:
            return ""
        text = str(self._tokenizer.decode(fresh, skip_special_tokens=True))
        if text.endswith(_HELD_BACK) and not flush:
            return ""
        generation.done = len(generation.ids)
        return text

    def _config(self, request: Request, room: int) -> Any:
        config = genai.GenerationConfig()
        config.apply_chat_template = False
        config.max_new_tokens = min(request["max_tokens"], room)
        config.ignore_eos = bool(request.get("ignore_eos", False))
        config.repetition_penalty = request["repetition_penalty"]
        if request["temperature"] > 0:
            config.do_sample = True
            config.temperature = request["temperature"]
            config.top_p = request["top_p"]
            config.rng_seed = request["seed"]
        if request.get("grammar"):
            grammar = request["grammar"]
            config.structured_output_config = genai.StructuredOutputConfig(
                **{grammar["kind"]: grammar["text"]}
            )
        return config

    def _blame(self, error: RuntimeError) -> list[Answer]:
        """Who hears what of a failed step: a grammar is compiled in its request's first step.

        The library cannot drop the request that failed, so every request ends here.
        """
        fresh = [number for number, one in self._running.items() if one.grammar and not one.ids]
        return [
            {"id": number, "error": str(error), **({"kind": "grammar"} if number in fresh else {})}
            for number in self._running
        ]

    def _count(self, text: str) -> int:
        return int(self._tokenizer.encode(text).input_ids.shape[1])

    def _warm_up(self) -> None:
        """The first step compiles kernels; pay for it before the first person waits."""
        config = genai.GenerationConfig()
        config.apply_chat_template = False
        config.max_new_tokens = 2
        self._pipeline.add_request(0, "Hello", config)
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()
