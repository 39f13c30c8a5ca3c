"""GGUF in process by OpenVINO GenAI, the default engine on x86-64.

Runs inside a model's child process (`child.py`). Requests are batched together by the library's
continuous batching; prompts that begin alike share their keys and values. It knows token ids and
prompts as text; messages and templates are the client's.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino_genai as genai

from attenda.llm.engine import Answer, EngineBroken, Request
from attenda.llm.gguf_header import read_header
from attenda.llm.openvino_model import converted, multiplies_bytes

__all__ = ["OpenVinoEngine"]

_HELD_BACK = "\ufffd"
_PART_TOKENS = 256
"""Tokens of a prompt that are read in one step. Parts of 1,024 read 8 % faster, and everybody
else's next token waits for them."""
_STEPS_TO_CLEAR = 8
"""Steps in which the library lets go of requests that were stopped."""


@dataclass(slots=True)
class _Generation:
    """One request under way."""

    request: Request
    prompt: list[int]
    room: int
    """Tokens the context has left for the answer."""
    handle: Any = None
    ids: list[int] = field(default_factory=list)
    done: int = 0
    """Ids whose text is out."""
    again: int = 0
    """Ids that a second beginning will bring once more."""
    ended: bool = False
    at_length: bool = False
    """Whether it ended because no more tokens were allowed."""


class OpenVinoEngine:
    """Continuous batching over one GGUF model."""

    def __init__(
        self, path: str, threads: int, context_tokens: int, cache_gb: int = 1, parallel: int = 16
    ) -> None:
        """Load `path`; `cache_gb` bounds the keys and values of all requests together."""
        header = read_header(Path(path))
        schedule = genai.SchedulerConfig()
        schedule.cache_size = cache_gb
        schedule.enable_prefix_caching = True
        schedule.max_num_seqs = parallel
        schedule.max_num_batched_tokens = _PART_TOKENS
        properties: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if multiplies_bytes(Path(path), header):
            # Then the library multiplies integers, and the bfloat16 that it prefers where the
            # processor has it costs a third of the tokens. Else bfloat16 is the faster one.
            properties["INFERENCE_PRECISION_HINT"] = "f32"
        with converted(Path(path), header) as folder:
            self._tokenizer = genai.Tokenizer(folder)
            self._pipeline = genai.ContinuousBatchingPipeline(
                folder, self._tokenizer, schedule, "CPU", **properties
            )
        self._template = header.chat_template
        self._context_tokens = min(context_tokens, header.context_tokens or context_tokens)
        self._running: dict[int, _Generation] = {}
        self._last_handle = 0
        self._warm_up()

    def info(self) -> Answer:
        """Engine, library version, context and the file's own chat template."""
        return {
            "engine": f"openvino-genai {genai.get_version()}",
            "context_tokens": self._context_tokens,
            "chat_template": self._template,
        }

    def take(self, request: Request) -> list[Answer]:
        """Begin a generation, or count tokens."""
        if request["op"] == "count":
            count = len(self._tokens(request["text"]))
            return [{"id": request["id"], "count": count, "end": True}]
        prompt = self._tokens(request["prompt"])
        room = self._context_tokens - len(prompt)
        if room < 1:
            raise ValueError(f"{len(prompt)} tokens do not fit {self._context_tokens}")
        generation = _Generation(request, prompt, room)
        self._begin(generation)
        self._running[request["id"]] = generation
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
        answers: list[Answer] = []
        if self._pipeline.has_non_finished_requests():
            try:
                self._pipeline.step()
            except RuntimeError as error:
                answers = self._part_with_the_guilty(error)
        for generation in self._running.values():
            self._read(generation)
        texts = self._new_texts()
        for number, generation in list(self._running.items()):
            if number in texts:
                answers.append({"id": number, "text": texts[number]})
            if generation.ended:
                del self._running[number]
                answers.append(
                    {
                        "id": number,
                        "end": True,
                        "stop_reason": "length" if generation.at_length else "stop",
                        "prompt_tokens": len(generation.prompt),
                        "answer_tokens": len(generation.ids),
                    }
                )
        return answers

    def _read(self, generation: _Generation) -> None:
        """Take the new ids, and the end if it came."""
        while generation.handle.can_read():
            for output in generation.handle.read().values():
                fresh = output.generated_ids[generation.again :]
                generation.again = max(0, generation.again - len(output.generated_ids))
                generation.ids.extend(fresh)
                reason = output.finish_reason
                generation.at_length = reason == genai.GenerationFinishReason.LENGTH
        generation.ended = generation.handle.get_status() != genai.GenerationStatus.RUNNING

    def _new_texts(self) -> dict[int, str]:
        """Text of each generation's ids since its last whole character; one call for all."""
        fresh = {
            number: one.ids[one.done :]
            for number, one in self._running.items()
            if len(one.ids) > one.done
        }
        if not fresh:
            return {}
        texts = self._tokenizer.decode(list(fresh.values()), skip_special_tokens=True)
        whole: dict[int, str] = {}
        for number, text in zip(fresh, map(str, texts), strict=True):
            generation = self._running[number]
            if not text.endswith(_HELD_BACK) or generation.ended:
                generation.done = len(generation.ids)
                if text:
                    whole[number] = text
        return whole

    def _begin(self, generation: _Generation) -> None:
        """Hand a request to the library, from its beginning or from where it stood.

        A grammar can only be followed from the beginning; what is out already comes once more.
        """
        request, ids = generation.request, generation.prompt
        written = len(generation.ids)
        if request.get("grammar"):
            generation.again, written = written, 0
        else:
            ids = ids + generation.ids
        config = self._config(request, min(request["max_tokens"], generation.room) - written)
        self._last_handle += 1
        tokens = openvino.Tensor(np.array([ids], dtype=np.int64))
        generation.handle = self._pipeline.add_request(self._last_handle, tokens, config)

    def _config(self, request: Request, max_tokens: int) -> Any:
        config = genai.GenerationConfig()
        config.apply_chat_template = False
        config.set_eos_token_id(self._tokenizer.get_eos_token_id())
        config.max_new_tokens = max_tokens
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

    def _part_with_the_guilty(self, error: RuntimeError) -> list[Answer]:
        """After a failed step: refuse the grammars that do not compile, and go on with the rest.

        A grammar is compiled in its request's first step. The library cannot drop the request
        that failed, so all are stopped, the suspects are tried alone, and the others begin again
        where they stood.
        """
        everyone = list(self._running.items())
        suspects = [one for _, one in everyone if one.request.get("grammar") and not one.ids]
        if not suspects:
            raise EngineBroken(self._all_fail(error)) from error
        for generation in self._running.values():
            generation.handle.cancel()
        self._clear(error)
        answers: list[Answer] = []
        for number, generation in everyone:
            problem = self._problem_of(generation) if generation in suspects else ""
            if problem:
                del self._running[number]
                answers.append({"id": number, "error": problem, "kind": "grammar"})
        for generation in self._running.values():
            self._begin(generation)
        return answers

    def _problem_of(self, suspect: _Generation) -> str:
        """What is wrong with a grammar, tried alone; empty when it compiles."""
        try:
            self._begin(suspect)
            self._pipeline.step()
            while not suspect.handle.can_read() and self._pipeline.has_non_finished_requests():
                self._pipeline.step()
            problem = ""
        except RuntimeError as error:
            # The library names its own source file and the failed check, then the reason.
            problem = str(error).strip().splitlines()[-1].rpartition(" is false: ")[2]
            problem = problem.rpartition("Check failed: ")[2][:200]
        suspect.handle.cancel()
        self._clear(RuntimeError(problem))
        return problem

    def _clear(self, error: RuntimeError) -> None:
        """Let the library forget what was stopped."""
        try:
            for _ in range(_STEPS_TO_CLEAR):
                if not self._pipeline.has_non_finished_requests():
                    return
                self._pipeline.step()
        except RuntimeError as worse:
            raise EngineBroken(self._all_fail(worse)) from error
        raise EngineBroken(self._all_fail(error)) from error

    def _all_fail(self, error: RuntimeError) -> list[Answer]:
        return [{"id": number, "error": str(error)} for number in self._running]

    def _tokens(self, text: str) -> list[int]:
        """The ids of `text`; the template has put in whatever begins a conversation."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return [int(number) for number in encoded.input_ids.data[0]]

    def _warm_up(self) -> None:
        """The first steps, a full and a single one, compile kernels: let nobody wait for them."""
        config = genai.GenerationConfig()
        config.apply_chat_template = False
        config.max_new_tokens = 2
        # A request whose handle is let go of is dropped.
        handle = self._pipeline.add_request(0, "Hello " * _PART_TOKENS, config)
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        handle.read()
