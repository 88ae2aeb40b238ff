#!/usr/bin/env python3
"""Writes the manual pages in man/ from what the built checkpoint-inspect says about itself.

    tools/make_manuals.py .build/debug/checkpoint-inspect            # writes them
    tools/make_manuals.py .build/debug/checkpoint-inspect --check    # fails when they are not current

The source is the JSON of `--experimental-dump-help`, so that a page never says anything else than
`--help`. The form is man(7), which every man reads.
"""

import argparse
import json
import pathlib
import subprocess
import sys

MAN = pathlib.Path(__file__).resolve().parent.parent / "man"
# Texts that stand line by line, as examples and lists of exit codes do.
EXAMPLE = ("Example:", "Examples:")


def roff(text):
    """A text as roff shows it unchanged."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def option_names(argument):
    names = []
    for name in argument.get("names", []):
        dashes = "--" if name["kind"] == "long" else "-"
        names.append(f"\\fB{roff(dashes + name['name'])}\\fR")
    return ", ".join(names)


def value_name(argument):
    return f"\\fI{roff(argument.get('valueName', 'value'))}\\fR"


def entry(argument):
    """The line by which an argument is called."""
    if argument["kind"] == "positional":
        return value_name(argument)
    if argument["kind"] == "flag":
        return option_names(argument)
    return f"{option_names(argument)} {value_name(argument)}"


def shown(command):
    return [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]


def synopsis(path, command):
    words = [f"\\fB{roff(' '.join(path))}\\fR"]
    subcommands = [s for s in command.get("subcommands", []) if s.get("shouldDisplay", True)]
    if subcommands:
        words.append("\\fIcommand\\fR")
    for argument in shown(command):
        if "help" in [n["name"] for n in argument.get("names", [])]:
            continue
        text = entry(argument)
        if argument["kind"] != "positional":
            preferred = argument["preferredName"]
            dashes = "--" if preferred["kind"] == "long" else "-"
            text = f"\\fB{roff(dashes + preferred['name'])}\\fR"
            if argument["kind"] == "option":
                text += f" {value_name(argument)}"
        if argument.get("isRepeating"):
            text += " ..."
        words.append(f"[{text}]" if argument["isOptional"] else text)
    return "\n".join(words)


def description(text):
    """Paragraphs and examples of a discussion."""
    lines, examples = [], []
    for line in text.strip().split("\n"):
        if line.startswith(EXAMPLE):
            rest = line.split(":", 1)[1].strip()
            examples += [rest] if rest else []
        elif line.startswith("  "):
            examples.append(line.strip())
        else:
            lines.append(line)
    return "\n.PP\n".join(roff(line) for line in lines if line), examples


def page(path, command, version, others):
    name = "-".join(path)
    body, examples = description(command.get("discussion", ""))
    out = [
        '.\\" Written by tools/make_manuals.py from --help: do not edit.',
        f'.TH {name.upper()} 1 "" "{version}" "Cairn"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(command['abstract'].rstrip('.'))}",
        ".SH SYNOPSIS",
        ".nh",
        synopsis(path, command),
        ".hy",
    ]
    if body:
        out += [".SH DESCRIPTION", body]
    subcommands = [s for s in command.get("subcommands", []) if s.get("shouldDisplay", True)]
    if subcommands:
        out += [".SH COMMANDS"]
        for sub in subcommands:
            if sub["commandName"] == "help":
                continue
            out += [".TP", f"\\fB{roff(name + '-' + sub['commandName'])}\\fR(1)",
                    roff(sub["abstract"])]
    for title, kinds in (("ARGUMENTS", ["positional"]), ("OPTIONS", ["option", "flag"])):
        arguments = [a for a in shown(command) if a["kind"] in kinds]
        if arguments:
            out += [f".SH {title}"]
        for argument in arguments:
            text = " ".join(
                part.strip() for part in (argument.get("abstract", ""), argument.get("discussion", ""))
                if part.strip())
            if argument.get("defaultValue") and argument["kind"] != "flag":
                text += f" (default: {argument['defaultValue']})"
            out += [".TP", entry(argument), roff(" ".join(text.split()))]
    if examples:
        out += [".SH EXAMPLES"]
        for number, example in enumerate(examples):
            out += [".PP"] if number else []
            out += [".EX", roff(example), ".EE"]
    related = [o for o in others if o != name]
    out += [".SH SEE ALSO", ",\n".join(f"\\fB{roff(o)}\\fR(1)" for o in related)]
    return "\n".join(out) + "\n"


def pages(program):
    output = subprocess.run(
        [program, "--experimental-dump-help"], capture_output=True, check=True, text=True).stdout
    root = json.loads(output)["command"]
    name = root["commandName"]
    subcommands = [
        s for s in root.get("subcommands", [])
        if s.get("shouldDisplay", True) and s["commandName"] != "help"]
    names = [name] + [f"{name}-{s['commandName']}" for s in subcommands]
    files = {f"{name}.1": page([name], root, "checkpoint-inspect", names)}
    for sub in subcommands:
        path = [name, sub["commandName"]]
        files["-".join(path) + ".1"] = page(path, sub, "checkpoint-inspect", [name])
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built checkpoint-inspect")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something differs")
    options = parser.parse_args()
    files = pages(options.program)
    there = {path.name: path.read_text() for path in MAN.glob("*.1")} if MAN.is_dir() else {}
    if options.check:
        stale = sorted(n for n in files.keys() | there.keys() if files.get(n) != there.get(n))
        for file in stale:
            print(f"man/{file} is not what tools/make_manuals.py writes", file=sys.stderr)
        sys.exit(1 if stale else 0)
    MAN.mkdir(exist_ok=True)
    for file in there.keys() - files.keys():
        (MAN / file).unlink()
    for file, text in files.items():
        (MAN / file).write_text(text)


if __name__ == "__main__":
    main()
