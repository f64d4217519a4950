"""The offline analyst: a plain program behind the model interface.

It decides by rules what a language model would decide: which columns a question
is about, which queries answer it, what to check, what to draw and what to write. It works
on any CSV file and says in its report and answer what it is.
"""

from .analysis import analyse
from .conversation import make_script, script
from .program import Ask, reply

__all__ = ["Ask", "analyse", "make_script", "reply", "script"]
