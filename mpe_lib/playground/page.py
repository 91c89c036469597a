"""A view of the playground as HTML, for the page, and as a figure, to be saved."""

from base64 import b64encode
from html import escape
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from mpe_lib import show
from mpe_lib.playground.views import Bars, Panel, View

#: What stands below every view, and on every card.
CANNOT = (
    "A restored face is made up: plausible, but not the person, and it is no evidence of identity. Nor do "
    "16 x 16 pixels hide anybody: among 51 people nine of ten were found by them. "
    "Action units are guesses about muscles, not about feelings."
)
STYLE = f"""<style>
/* its own ground: a notebook may be dark */
.mpe-page {{ max-width: 1380px; margin: 0 auto; padding: 8px; box-sizing: border-box; background: white; }}
.mpe-page {{ font: 14px/1.45 system-ui, sans-serif; color: {show.INK}; }}
.mpe-page .widget-html-content, .mpe-page .jupyter-widgets {{ line-height: 1.45; }}
.mpe-page h1 {{ font-size: 22px; margin: 4px 0; }}
.mpe-page p {{ margin: 0 0 6px; max-width: 90ch; }}
.mpe-page .widget-box, .mpe-page .widget-html, .mpe-page .widget-label, .mpe-page .widget-readout,
.mpe-page label {{ color: {show.INK}; }}
.mpe-side {{ flex: 0 1 370px; }}
.mpe-main {{ flex: 1 1 560px; min-width: 0; padding-left: 8px; }}
/* widgets would be as wide as their pictures */
.mpe-main > * {{ max-width: 100%; }}
.mpe-said .widget-html-content {{ font-size: 15px; min-height: 1.5em; }}
.mpe-message {{ color: #8a1c1c; font-weight: 600; }}
.mpe-row {{ display: flex; flex-wrap: wrap; gap: 12px; margin: 0 0 14px; }}
.mpe-row figure {{ margin: 0; width: 150px; }}
.mpe-row figure.mpe-large {{ width: min(420px, 100%); }}
.mpe-row img {{ width: 100%; height: auto; display: block; image-rendering: pixelated; background: #e8ecef; }}
.mpe-title {{ font-weight: 600; text-align: left; }}
.mpe-below {{ display: block; min-height: 1.45em; font-size: 12px; font-variant-numeric: tabular-nums; }}
.mpe-row table {{ border-collapse: collapse; font-size: 13px; align-self: flex-start; }}
.mpe-row th {{ font-weight: 400; text-align: left; padding: 1px 8px 1px 0; white-space: nowrap; }}
.mpe-row td {{ padding: 1px 4px; font-variant-numeric: tabular-nums; white-space: nowrap; }}
.mpe-track {{ width: 110px; height: 12px; background: #e8ecef; position: relative; }}
.mpe-track div {{ height: 12px; background: {show.MUTED}; }}
.mpe-track div.mpe-present {{ background: {show.ACCENT}; }}
.mpe-track i {{ position: absolute; top: -2px; width: 2px; height: 16px; background: {show.INK}; }}
@media (max-width: 700px) {{
  .mpe-main {{ order: -1; flex-basis: 100%; padding-left: 0; }}
  .mpe-side {{ flex-basis: 100%; }}
  .mpe-row {{ gap: 8px; max-width: calc(100vw - 40px); }}
  .mpe-row figure {{ width: calc(33.3% - 6px); }}
  .mpe-title {{ font-size: 12px; }}
  .mpe-below {{ font-size: 11px; }}
}}
</style>"""
#: ipywidgets gives the handle of a slider no name, which leaves screen readers with a number alone.
NAMES = """(() => {
  if (window.mpeNames) return;
  window.mpeNames = () => {
    document.querySelectorAll('.mpe-page .widget-slider').forEach(slider => {
      const name = slider.querySelector('.widget-label')?.textContent;
      slider.querySelectorAll('[role=slider]').forEach(handle => {
        if (name && handle.getAttribute('aria-label') !== name) handle.setAttribute('aria-label', name);
      });
    });
    // which of the views is on, ipywidgets says by a colour alone
    document.querySelectorAll('.mpe-page .widget-toggle-buttons').forEach(group => {
      group.setAttribute('role', 'group');
      group.setAttribute('aria-label', 'view');
      group.querySelectorAll('button').forEach(button => {
        const on = String(button.classList.contains('mod-active'));
        if (button.getAttribute('aria-pressed') !== on) button.setAttribute('aria-pressed', on);
      });
    });
    document.querySelectorAll('.mpe-said, .mpe-saved').forEach(part => part.setAttribute('aria-live', 'polite'));
  };
  new MutationObserver(window.mpeNames).observe(document.body, {
    childList: true, subtree: true, attributes: true, attributeFilter: ['class'],
  });
  window.mpeNames();
})();"""


def html(view: View) -> str:
    """The rows of a view."""
    rows = ["".join(_bars(part) if isinstance(part, Bars) else _panel(part) for part in row) for row in view.rows]
    return f'<div class="mpe-rows">{"".join(f"<div class=mpe-row>{row}</div>" for row in rows)}</div>'


def download(figure: Figure, name: str) -> str:
    """A link to a figure, in the page itself."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=120)
    data = b64encode(file.getvalue()).decode()
    size = f"{len(file.getvalue()) / 1000:.0f} kB"
    return f'<a download="{escape(name)}" href="data:image/png;base64,{data}">{escape(name)}, {size}</a>'


def sheet(view: View, title: str) -> Figure:
    """A view with what it is of, and what it is not."""
    columns = max(sum(_width(part) for part in row) for row in view.rows)
    tall = [2.75 if any(isinstance(part, Panel) and part.large for part in row) else 1.45 for row in view.rows]
    figure = Figure(figsize=(1.9 * max(columns, 4), 1.6 * sum(tall) + 1.2), layout="constrained")
    *parts, last = figure.subfigures(len(view.rows) + 1, 1, height_ratios=[*tall, 0.35], squeeze=False)[:, 0]
    for part, row in zip(parts, view.rows, strict=True):
        widths = [_width(each) for each in row]
        free = columns - sum(widths)
        ratios = [*widths, free] if free > 0 else widths
        grid = part.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
        for axes, each in zip(grid, row, strict=False):
            _draw(axes, each)
        if free > 0:
            grid[-1].set_axis_off()
    figure.suptitle(f"{title}\n{view.said}", fontsize=11, color=show.INK, ha="left", x=0.01, parse_math=False)
    last.text(0.01, 0.5, CANNOT.replace(". ", ".\n"), fontsize=8, color=show.INK, va="center")
    return figure


def _width(part: Panel | Bars) -> float:
    return 2 if isinstance(part, Bars) or part.large else 1


def _panel(panel: Panel) -> str:
    file = BytesIO()
    Image.fromarray(panel.picture).save(file, format="PNG", compress_level=1)
    words = ", ".join(text for text in (panel.title, panel.below) if text)
    return (
        f'<figure{" class=mpe-large" if panel.large else ""}><figcaption class="mpe-title">{escape(panel.title)}'
        f'</figcaption><img decoding="sync" width="{panel.picture.shape[1]}" height="{panel.picture.shape[0]}" '
        f'alt="{escape(words)}" src="data:image/png;base64,{b64encode(file.getvalue()).decode()}">'
        f'<figcaption><span class="mpe-below">{escape(panel.below)}</span></figcaption></figure>'
    )


def _bars(bars: Bars) -> str:
    lines: list[str] = []
    for name, value in bars.values.items():
        before = bars.before[name] if bars.before else value
        mark = f'<i style="left:{before:.1%}"></i>' if bars.before else ""
        changed = f" ({before:.2f})" if abs(before - value) > 0.005 else ""
        inside = f'<div{" class=mpe-present" if value >= 0.5 else ""} style="width:{value:.1%}"></div>{mark}'
        track = f'<td><div class="mpe-track">{inside}</div></td>'
        lines.append(f"<tr><th scope=row>{escape(name)}</th>{track}<td>{value:.2f}{changed}</td></tr>")
    title = f'<caption class="mpe-title" style="text-align:left">{escape(bars.title)}</caption>'
    return f"<table>{title}{''.join(lines)}</table>"


def _draw(axes: Axes, part: Panel | Bars) -> None:
    if isinstance(part, Bars):
        show.draw_bars(axes, part.values, part.title)
        return
    show.draw_picture(axes, part.picture, part.title, size=9)
    axes.set_xlabel(part.below, fontsize=7.5, color=show.INK)
