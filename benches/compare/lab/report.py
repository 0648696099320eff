"""The table and the picture."""

import html
import math

COLOURS = {"tightbeam": "#0b6e4f", "ansible": "#b03a2e", "mitogen": "#d68910", "pyinfra": "#7d5ba6", "volant": "#2e6da4"}


def setting(facts):
    """Where and how it ran, in a line."""
    return (
        f"{facts['time']}, Linux {facts['kernel']}, {facts['processors']} processors, {facts['memory'] / 2**30:.0f} GiB, "
        f"load at the start {facts['load'][0]:.2f}, {facts['runs']} runs"
    )


def seconds(value):
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def shown(result):
    """Medians first and again, and whether they count."""
    if not (result.first or result.again):
        return None
    return result.of(result.first), result.of(result.again), not result.faults


def table(results, tools):
    """A row for each cell and program: medians, their ratio to Tightbeam's, runs, processor time, memory."""
    head = f"{'workload':<34} {'hosts':>6}  {'program':<10} {'first':>9} {'again':>9} {'ratio':>7} {'runs':>4} {'cpu':>8} {'memory':>8}  exchanges"
    lines = [head, "-" * len(head)]
    for cell, found in results:
        base = found["tightbeam"].of(found["tightbeam"].again) if "tightbeam" in found else None
        title, hosts = cell.name, str(cell.hosts or cell.listed or "")
        for tool in tools:
            if tool.name not in found or not shown(found[tool.name]):
                continue
            result = found[tool.name]
            first, again, counts = shown(result)
            good = [s for s in result.again if not s.fault]
            ratio = f"{again / base:.2f}" if base and again and counts else "-"
            cpu = seconds(sorted(s.processor for s in good)[len(good) // 2]) if good else "-"
            memory = f"{max(s.memory for s in good) / (1 << 20):.0f} MiB" if any(s.memory for s in good) else "-"
            line = f"{title:<34} {hosts:>6}  {tool.name:<10} {seconds(first):>9} {seconds(again):>9} {ratio:>7} {len(good):>4} {cpu:>8} {memory:>8}"
            if good and good[-1].exchanges:
                line += f"  {good[-1].exchanges['exchanges']:g} in {good[-1].exchanges['connections']:g}"
            if not counts:
                line += "  DOES NOT COUNT: " + result.faults[0][:100]
            lines.append(line)
            title = hosts = ""
    return "\n".join(lines)


def picture(results, tools, facts):
    """Bars of the medians on a logarithmic scale, as SVG."""
    rows, top = [], 70
    bars = []
    for cell, found in results:
        some = [(t, found[t.name]) for t in tools if t.name in found and found[t.name].of(found[t.name].again)]
        some = [(t, r.of(r.again), r.of(r.first) if t.leaves and cell.hosts else None) for t, r in some if not r.faults]
        if some:
            rows.append((cell, some))
    values = [v for _, some in rows for _, again, first in some for v in (again, first) if v]
    low = 10 ** math.floor(math.log10(min(values))) if values else 0.001
    high = 10 ** math.ceil(math.log10(max(values))) if values else 1
    high = max(high, low * 10)
    left, width = 340, 620
    x = lambda v: left + width * math.log10(v / low) / math.log10(high / low)
    y = top
    for cell, some in rows:
        hosts = cell.hosts or cell.listed
        label = f"{cell.name}{f', {hosts:,} hosts' if hosts else ''}"
        bars.append(f'<text x="{left - 10}" y="{y + 8 * len(some) + 4}" text-anchor="end">{html.escape(label)}</text>')
        for tool, again, first in some:
            bars.append(f'<rect x="{left}" y="{y}" width="{max(1, x(again) - left):.1f}" height="12" fill="{COLOURS[tool.name]}"/>')
            if first:
                bars.append(f'<path d="M{x(first):.1f} {y - 1}v14" stroke="{COLOURS[tool.name]}" stroke-width="2"/>')
            end = max(x(again), x(first) if first else 0) + 5
            bars.append(f'<text x="{end:.1f}" y="{y + 10}" class="s">{html.escape(f"{tool.title} {seconds(again)}")}</text>')
            y += 16
        y += 14
    grid = []
    power = low
    while power <= high * 1.001:
        grid.append(f'<path d="M{x(power):.1f} {top - 8}V{y}" stroke="#ddd"/>')
        grid.append(f'<text x="{x(power):.1f}" y="{top - 14}" text-anchor="middle" class="s">{power:g} s</text>')
        power *= 10
    note = f"{facts['time'][:10]}, {facts['processors']} processors, {facts['memory'] >> 30} GiB; medians; bars: hosts known; strokes: first run on new hosts"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 170}" height="{y + 20}" font-family="sans-serif" font-size="13">'
        "<style>.s{font-size:11px;fill:#333}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/><text x="20" y="24" font-size="16">Seconds, logarithmic: shorter is better</text>'
        f'<text x="20" y="42" class="s">{html.escape(note)}</text>' + "".join(grid) + "".join(bars) + "</svg>\n"
    )
