"""The terminal output of the demo."""

from __future__ import annotations

import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text

from holdfast import (
    Status,
    StepEnded,
    StreamEvent,
    TextDelta,
    TextRestart,
    ToolEnded,
    ToolProgress,
    ToolStarted,
)

_SHOWN_TEXT = 600  # characters of the streamed text


class Screen:
    """Finished lines scroll up; what happens now stays at the bottom."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._now = "starting"
        self._text = ""
        self._expected = ""
        self._steps = 0
        self._tokens = 0
        self._cost = 0.0
        self._began = time.monotonic()
        self._live = Live(console=console, get_renderable=self._bottom, refresh_per_second=8, transient=True)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        """Print a permanent line."""
        self._console.print(
            f"[dim]{time.monotonic() - self._began:5.1f} s[/dim]  {line}", overflow="ellipsis", no_wrap=True
        )

    def expect(self, what: str) -> None:
        """Show what the demo waits for, until the model writes again."""
        self._expected = what

    def show(self, event: StreamEvent) -> None:
        """Show an event of the session's stream."""
        match event:
            case TextDelta(text=text):
                self._text += text
                self._expected = ""
                self._now = "the model is writing"
            case TextRestart():
                self._text = ""
                self._now = "the model is called again"
            case StepEnded():
                self._expected = ""
                self._step(event)
            case ToolStarted(name=name, arguments=arguments):
                self._now = f"[cyan]{name}[/cyan] {escape(str(arguments)[:80])}"
            case ToolProgress(name=name, detail=detail, attempt=attempt):
                again = f"attempt {attempt} " if attempt > 1 else ""
                self._now = f"[cyan]{name}[/cyan] {again}{escape(detail)}"
            case ToolEnded(name=name, status=status, result=result):
                mark = "[green]✓[/green]" if status == "ok" else "[red]✗[/red]"
                self.say(f"   {mark} [cyan]{name}[/cyan] [dim]{escape(result[:90])}[/dim]")
                self._now = "thinking"
            case Status(status=status, detail=detail):
                self._now = f"{status} {escape(detail)}"
            case _:
                pass

    def _step(self, event: StepEnded) -> None:
        self._steps += 1
        self._tokens += event.usage.input_tokens + event.usage.output_tokens
        self._cost += event.usage.cost
        words = " ".join(event.text.split())
        self.say(f"[bold]step {event.step}[/bold]  {escape(words[:110])}")
        self._text = ""
        self._now = "tools"

    def _bottom(self) -> RenderableType:
        seconds = time.monotonic() - self._began
        steps = "1 step" if self._steps == 1 else f"{self._steps} steps"
        line = f"{self._expected or self._now}  [dim]{steps} · {self._tokens:,} tokens · ${self._cost:.4f} · {seconds:.0f} s[/dim]"
        parts: list[RenderableType] = [Spinner("dots", text=Text.from_markup(line))]
        if self._text:
            parts.append(Text(self._text[-_SHOWN_TEXT:], style="italic"))
        return Group(*parts)
