//! The picture: throughput of each contender against the one whose throughput is 1, a panel for each engine and work.

use std::fmt::Write;

use crate::kind::{Engine, Kind};
use crate::report::reference;
use crate::results::{Key, Results, middle, shorter};
use crate::work::Work;

const WIDTH: f64 = 880.0;
const MARGIN: f64 = 24.0;
/// Where bars begin, and how long one is of the greatest throughput that is drawn.
const AXIS: f64 = 212.0;
const SCALE_WIDTH: f64 = 560.0;
const BAR: f64 = 16.0;
const STEP: f64 = 22.0;
const HEADING: f64 = 30.0;
const TITLE: f64 = 16.0;

/// Readable on white and on black: colours follow what the reader's page prefers.
const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.work { font-weight: 600 }
.soft { fill: #57606a }
.paper { fill: #ffffff }
.grid { stroke: #d0d7de }
.one { stroke: #57606a; stroke-dasharray: 4 3 }
.ours { fill: #0f766e }
.other { fill: #8c959f }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.soft { fill: #9198a1 }
.paper { fill: #0d1117 }
.grid { stroke: #30363d }
.one { stroke: #9198a1 }
.ours { fill: #2dd4bf }
.other { fill: #6e7681 }
}";

/// A work, with who did it and how fast against the reference.
struct Panel {
    engine: Engine,
    work: Work,
    bars: Vec<(Kind, f64)>,
}

pub(crate) fn draw(results: &Results) -> String {
    let clients = clients(results);
    let panels: Vec<Panel> = Engine::ALL
        .into_iter()
        .flat_map(|engine| Work::ALL.map(|work| panel(results, engine, work, clients)))
        .filter(|panel| !panel.bars.is_empty())
        .collect();
    let mut body = String::new();
    let mut y = 0.0;
    let mut engine = None;
    let mut scale = SCALE_WIDTH;
    for panel in &panels {
        if engine != Some(panel.engine) {
            engine = Some(panel.engine);
            scale = scale_of(&panels, panel.engine);
            y += MARGIN + TITLE;
            let title = format!(
                "{}, {clients} clients: requests a second, {} = 1",
                panel.engine.about(),
                reference(panel.engine).about()
            );
            text(&mut body, "title", MARGIN, y, &title);
        }
        y += HEADING;
        text(&mut body, "work", MARGIN, y, panel.work.about());
        y += 10.0;
        y = bars(&mut body, panel, y, scale);
    }
    let height = y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"Throughput of each contender\">\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n{body}</svg>\n"
    )
}

/// How long a bar of 1 is, so that the engine's longest has room.
fn scale_of(panels: &[Panel], engine: Engine) -> f64 {
    let most = panels
        .iter()
        .filter(|panel| panel.engine == engine)
        .flat_map(|panel| &panel.bars)
        .fold(1.0_f64, |most, (_, ratio)| most.max(*ratio));
    SCALE_WIDTH / most
}

/// So many as were at work where most were.
fn clients(results: &Results) -> usize {
    let keys = results.measured("rest", "per_second");
    keys.iter().map(|key| key.clients).max().unwrap_or_default()
}

fn panel(results: &Results, engine: Engine, work: Work, clients: usize) -> Panel {
    let speed = |kind: Kind| Key {
        command: "rest",
        work: work.name(),
        clients,
        contender: kind.name(),
        figure: "per_second",
    };
    let one = speed(reference(engine));
    let of_engine = Kind::ALL.into_iter().filter(|kind| kind.engine() == engine);
    let bars = of_engine
        .filter_map(|kind| Some((kind, middle(&results.ratios(speed(kind), one))?)))
        .collect();
    Panel { engine, work, bars }
}

/// Where the next thing may begin.
fn bars(body: &mut String, panel: &Panel, top: f64, scale: f64) -> f64 {
    let bottom = top + STEP * f64::from(u32::try_from(panel.bars.len()).unwrap_or_default());
    let one = AXIS + scale;
    for (class, x) in [("grid", AXIS), ("one", one)] {
        writeln!(
            body,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\"/>"
        )
        .expect(TEXT);
    }
    let mut y = top + (STEP - BAR) / 2.0;
    for (kind, ratio) in &panel.bars {
        let ours = matches!(kind, Kind::Gantry | Kind::Split | Kind::SqliteGantry);
        let (class, weight) = if ours {
            ("ours", "work")
        } else {
            ("other", "soft")
        };
        let width = (ratio * scale).max(1.0);
        text(body, "soft", MARGIN, y + 12.5, kind.about());
        writeln!(
            body,
            "<rect class=\"{class}\" x=\"{AXIS}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\"/>"
        )
        .expect(TEXT);
        let after = AXIS + width + 8.0;
        text(body, weight, after, y + 12.5, &shorter(*ratio));
        y += STEP;
    }
    bottom
}

fn text(body: &mut String, class: &str, x: f64, y: f64, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        body,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"
    )
    .expect(TEXT);
}

const TEXT: &str = "text takes text";
