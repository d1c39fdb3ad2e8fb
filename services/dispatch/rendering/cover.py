"""Makes a case's letter the cover of what is handed over with it: many letters, or signatures.

In: the letter as the case has it, and what we say of what lies below.  Out: the same letter with
our words after its greeting, and a subject that says how many.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.dispatch.rendering.compose import Paragraph, Span
from services.dispatch.rendering.letter import LetterRequest


def covering(letter: LetterRequest, *, subject: str, said: Sequence[str]) -> LetterRequest:
    """`letter.composition` begins with its greeting; a block stands for each sentence said."""
    greeting, rest = letter.composition.blocks[:1], letter.composition.blocks[1:]
    ours = tuple(Paragraph((Span(sentence),)) for sentence in said)
    composition = replace(letter.composition, subject=subject, blocks=(*greeting, *ours, *rest))
    return replace(letter, composition=composition)
