"""The parser of all commands: short usage, an example first, and errors of one line."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from salmetrics.cli import output
from salmetrics.errors import InputError, nearest

__all__ = ["Parser"]

if TYPE_CHECKING:
    _SubParsersAction = argparse._SubParsersAction["Parser"]
else:
    _SubParsersAction = argparse._SubParsersAction

_NUMBERS = {"int": "a whole number", "float": "a number"}


class Parser(argparse.ArgumentParser):
    """Parser whose help begins with an example, and whose errors are `InputError`.

    Parameters
    ----------
    examples
        Commands that stand at the beginning of the help.
    **options
        Options of ``argparse.ArgumentParser``.
    """

    def __init__(self, *, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options, formatter_class=_Formatter, allow_abbrev=False)
        self.examples = tuple(examples)
        self.listing = ""  # instead of the positional arguments
        self.register("action", "parsers", _Commands)
        self._optionals.title = "general"
        hidden: Any = argparse.SUPPRESS  # so that a command does not undo what precedes it
        self.add_argument(
            "-q",
            "--quiet",
            action="store_true",
            default=hidden,
            help="print results and errors only: no notes and no progress",
        )
        self.add_argument(
            "-v",
            "--verbose",
            action="store_true",
            default=hidden,
            help="print versions, the time taken, and where errors and warnings come from",
        )

    @property
    def commands(self) -> Mapping[str, Parser]:
        """Parsers of the commands, by name; empty for a parser without any."""
        for action in self._actions:
            if isinstance(action, _Commands):
                return action.choices
        return {}

    def format_usage(self) -> str:
        """Return the usage: what is required, and that there are options."""
        words = [self.prog]
        for action in self._actions:
            name = action.metavar or action.dest
            metavar = " ".join(name) if isinstance(name, tuple) else name
            if not action.option_strings:
                words.append(f"[{metavar}]" if action.nargs == "?" else metavar)
            elif action.required:
                words.append(f"{action.option_strings[-1]} {metavar}")
        return f"usage: {' '.join(words)} [options]\n"

    def format_help(self) -> str:
        """Return usage, description, examples, then the options, the general ones last."""
        formatter = self._get_formatter()
        formatter.add_text(self.format_usage())
        formatter.add_text(self.description)
        if self.examples:
            title = "example" if len(self.examples) == 1 else "examples"
            formatter.add_text("\n  ".join([f"{title}:", *self.examples]))
        if self.listing:
            formatter.add_text(self.listing)
        # what is common first, then the groups called "more ...", and the general options
        groups = [g for g in self._action_groups if g is not self._optionals]
        groups.sort(key=lambda group: str(group.title).startswith("more "))
        for group in [*groups, self._optionals]:
            if group is self._positionals and self.listing:
                continue
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def error(self, message: str) -> NoReturn:
        """Raise the error of an argument as an `InputError` that names the help."""
        text = re.sub(r"^argument (?:\S*/)?(\S+?): ", r"\1: ", message)
        text = re.sub(
            r"^(\S+): invalid (\w+) value: ",
            lambda match: f"{match[1]} must be {_NUMBERS.get(match[2], match[2])}; got ",
            text,
        )
        see = f" See {self.prog} --help" if text.endswith("?") else f"; see {self.prog} --help"
        raise InputError(f"{text}{see}")

    def parse_known_args(
        self, args: Iterable[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse arguments; raise `InputError` for unknown ones, with the nearest known one."""
        words = None if args is None else list(args)
        if words is not None:
            for word in words:
                if word == "--" or (self.commands and not word.startswith("-")):
                    break  # what follows a command is that command's
                option = word.partition("=")[0]
                if (
                    re.match(r"--?[A-Za-z]", word)
                    and " " not in word
                    and option not in self._option_string_actions
                    and not (option[1] != "-" and option[:2] in self._option_string_actions)
                ):
                    self.error(f"there is no option {option}{self._suggested(option)}")
        parsed, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self.error(f"there is no place for {' '.join(map(repr, unknown[:3]))}")
        return parsed, unknown

    def _suggested(self, option: str) -> str:
        known = [name for name in self._option_string_actions if name.startswith("--")]
        begun = [name for name in known if name.startswith(option)] if len(option) > 4 else []
        return nearest(option, begun or known, quoted=False)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices: Any = action.choices
        if choices is None or value in choices:
            return
        hint = nearest(value, choices)
        if isinstance(action, _Commands):
            what = str(action.metavar).lower()
            listed = ", ".join(choices)
            self.error(f"there is no {what} {value!r}{hint or f'; there are {listed}'}")
        listed = ", ".join(map(str, choices))
        name = "/".join(action.option_strings[-1:]) or action.metavar or action.dest
        self.error(f"{name} must be one of {listed}; got {value!r}{hint}")

    def _print_message(self, message: str, file: Any = None) -> None:
        output.say(message.rstrip("\n"))


def section(command: argparse.ArgumentParser, title: str) -> argparse._ArgumentGroup:
    """Return the group of options of a title, which is added if it is not there yet."""
    found = [group for group in command._action_groups if group.title == title]
    return found[0] if found else command.add_argument_group(title)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help whose lines do not break within names such as ``gold-standard``."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class _Commands(_SubParsersAction):
    """Commands, described by the summaries that their help lists."""

    def add_parser(self, name: str, **options: Any) -> Parser:
        summary = options.setdefault("help", _summary(self, name))
        if summary:
            options.setdefault("description", f"{summary[0].upper()}{summary[1:]}.")
        return super().add_parser(name, **options)


def _summary(commands: argparse.Action, name: str) -> str:
    return str(getattr(commands, "summaries", {}).get(name, ""))
