"""The table that is printed and kept."""

from __future__ import annotations

from typing import Any

from benchmarks import gate, growth, providerreport, tokenreport, workers, workloads

ABOUT = (
    "GET authorize (session cookie, consent remembered) and POST token (client_secret_basic, PKCE S256) with an"
    " RS256 ID token; 16 connections, in turns, medians."
)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]

    def line(row: tuple[str, ...]) -> str:
        first, *rest = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if n else "-") for n, width in enumerate(widths)) + "|"
    return [line(head), rule, *(line(row) for row in rows)]


def markdown(found: dict[str, Any]) -> str:
    """Return the whole report."""
    about = found["machine"]
    lines = ["# Measured", ""]
    lines.append(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about.items() if value != ""))
    if "flows" in found:
        lines += _flows(found)
    if "provider" in found:
        lines += providerreport.lines(found["provider"], _table)
    if "provider_missing" in found:
        lines += ["", f"Nothing was measured beside the code flow: {found['provider_missing']}.", ""]
    if "tokens" in found:
        lines += tokenreport.lines(found["tokens"], _table)
    if "workloads" in found:
        lines += workloads.lines(found["workloads"], _table)
    if "gate" in found:
        lines += gate.lines(found["gate"], _table)
    if "workers" in found:
        lines += workers.lines(found["workers"], _table)
    if "growth" in found:
        lines += growth.markdown(found["growth"])
    lines += ["", *(f"Short of what was promised: {one}." for one in found["short_of"])]
    return "\n".join(lines).rstrip() + "\n"


def _flows(found: dict[str, Any]) -> list[str]:
    lines = [
        "",
        "## Whole code flows of one worker",
        "",
        ABOUT,
        "",
        *_table(
            ("", "flows/s", "p50 ms", "p99 ms", "CPU ms/flow", "peak MiB", "driver's core", "others", "turns"),
            [_flow(name, figures) for name, figures in found["flows"].items()],
        ),
        "",
    ]
    for key, words in (("ratio_sqlite_to_peer", "SQLite (FULL)"), ("ratio_postgresql_to_peer", "PostgreSQL")):
        if key in found:
            lines.append(
                f"Intaglio on {words} is {found[key]:.2f} x oidc-provider with its in-memory adapter"
                " (median of the rounds' ratios)."
            )
            lines.append("")
    if "peer_missing" in found:
        lines += [f"oidc-provider did not take part: {found['peer_missing']}.", ""]
    lines += ["## Hot paths beside what bounds them", ""]
    return lines + _table(("", "per second", "raw per second", "ratio"), [_hot(*item) for item in found["hot"].items()])


def _flow(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{figures['per_second']:.0f}",
        f"{figures['p50_ms']:.1f}",
        f"{figures['p99_ms']:.1f}",
        f"{figures['processor_ms_per_flow']:.2f}",
        f"{figures['peak_mib']:.0f}",
        f"{100 * figures['driver_share_of_a_core']:.0f} %",
        f"{100 * figures['others_share']:.0f} %",
        " ".join(f"{rate:.0f}" for rate in figures["turns"]),
    )


def _hot(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    raw = figures.get("raw_per_second")
    ratio = figures.get("ratio")
    return (name, f"{figures['per_second']:.0f}", f"{raw:.0f}" if raw else "", f"{ratio:.2f}" if ratio else "")
