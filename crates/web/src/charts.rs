//! Our own charts: SVG drawn on the server, so that they print and work without JavaScript.
//!
//! Laws: the baseline is zero; every chart says itself in one sentence and shows its numbers as a
//! table; ticks and labels come from integers. Positions are integers too, in thousandths of the
//! drawing's unit, so that no amount ever becomes a float.
//!
//! Bars stretch with their container while text does not, so the text of an axis is HTML beside
//! the drawing. Colours are classes, so one drawing serves light, dark and print.

use domain::{Amount, Timestamp};
use maud::{Markup, html};

use crate::pages::parts;
use crate::pages::show::{Unit, Zone};

/// Series beyond this many are the caller's to fold into "Other".
pub const SERIES_MAX: usize = 7;

const BARS_WIDTH: i128 = 3_000;
const BARS_HEIGHT: i128 = 1_000;
const NANOS_PER_CENT: i64 = 10_000_000;
const LABEL_EVERY_DAYS: usize = 7;
const CURVE_WIDTH: i128 = 560;
const CURVE_HEIGHT: i128 = 112;
/// Part of the curve's width that is past: the projection gets the rest.
const PAST_SHARE: i128 = 4;

/// Spend by day, stacked by what it was spent on.
#[derive(Clone, Debug)]
pub struct StackedBars {
    /// Makes the ids on the page unique.
    pub id: String,
    /// One sentence that says what the chart shows, total included.
    pub sentence: String,
    /// What each part of a bar stands for, bottom first, at most [`SERIES_MAX`].
    pub series: Vec<String>,
    pub days: Vec<Day>,
}

/// One bar.
#[derive(Clone, Debug)]
pub struct Day {
    pub at: Timestamp,
    /// One amount for each series.
    pub amounts: Vec<Amount>,
    /// The day is not over: drawn lighter and said so.
    pub partial: bool,
}

/// The available balance: what it was, and the projection to the second it runs out.
#[derive(Clone, Debug)]
pub struct BurnDown {
    pub id: String,
    pub now: Timestamp,
    pub available: Amount,
    /// Balances before now, oldest first; the drawing keeps those that fit.
    pub past: Vec<Point>,
    /// Balances after now, up to the one at which it reaches zero; empty when nothing burns.
    pub projection: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub at: Timestamp,
    pub balance: Amount,
}

impl Day {
    fn total(&self) -> Amount {
        self.amounts.iter().copied().sum()
    }
}

/// A position in thousandths as an SVG number: 12345 is `12.345`.
fn svg(thousandths: i128) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let size = thousandths.unsigned_abs();
    match size % 1_000 {
        0 => format!("{sign}{}", size / 1_000),
        fraction => format!("{sign}{}.{fraction:03}", size / 1_000),
    }
}

/// The smallest of 1, 2, 2.5, 5 × 10ⁿ nanos that reaches `largest` in at most four steps.
fn tick_step(largest: i64) -> i64 {
    let mut ten = 1_000_000_i64;
    loop {
        for step in [ten, ten.saturating_mul(2), ten.saturating_mul(5) / 2, ten.saturating_mul(5)] {
            if i128::from(step) * 4 >= i128::from(largest) {
                return step;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

/// Draws spend by day with its legend and its table.
pub fn stacked_bars(unit: Unit, zone: &Zone, chart: &StackedBars) -> Markup {
    let largest = chart.days.iter().map(Day::total).max().unwrap_or_default().nanos().max(1);
    let step = tick_step(largest);
    let steps = (largest + step - 1) / step;
    let count = chart.days.len();
    html! {
        div class="chart" {
            ul class="legend" {
                @for (place, name) in chart.series.iter().take(SERIES_MAX).enumerate() {
                    li { span class={ "swatch series-" (place + 1) } {} (name) }
                }
            }
            div class="plot" {
                div class="y-ticks" aria-hidden="true" {
                    @for place in (0..=steps).rev() {
                        span { (step_label(unit, step, place)) }
                    }
                }
                (bars(unit, zone, chart, i128::from(step) * i128::from(steps), steps))
                div class="x-ticks" aria-hidden="true" {
                    @for (place, day) in chart.days.iter().enumerate() {
                        span {
                            @if (count - 1 - place).is_multiple_of(LABEL_EVERY_DAYS) {
                                b { (zone.day(day.at)) }
                            }
                        }
                    }
                }
            }
            (bars_table(unit, zone, chart))
        }
    }
}

/// The amount at one line of the grid; steps below a cent show the digits that tell them apart.
fn step_label(unit: Unit, step: i64, place: i64) -> String {
    let amount = Amount::from_nanos(step.saturating_mul(place));
    if step % NANOS_PER_CENT == 0 { unit.balance(amount) } else { unit.usage(amount) }
}

fn bars(unit: Unit, zone: &Zone, chart: &StackedBars, top: i128, steps: i64) -> Markup {
    let count = i128::try_from(chart.days.len().max(1)).unwrap_or(1);
    let slot = BARS_WIDTH * 1_000 / count;
    let width = slot * 72 / 100;
    html! {
        svg class="bars" role="img" aria-label=(chart.sentence)
            viewBox={ "0 0 " (BARS_WIDTH) " " (BARS_HEIGHT) } preserveAspectRatio="none" {
            @for place in 0..=steps {
                @let y = svg(BARS_HEIGHT * 1_000 * i128::from(place) / i128::from(steps.max(1)));
                line class=(if place == steps { "axis" } else { "grid" })
                    x1="0" x2=(BARS_WIDTH) y1=(y) y2=(y) {}
            }
            @for (day, x) in chart.days.iter().zip((0..).map(|place| slot * place)) {
                g class=(if day.partial { "day partial" } else { "day" }) {
                    title { (bar_title(unit, zone, chart, day)) }
                    rect class="hit" x=(svg(x)) y="0" width=(svg(slot)) height=(BARS_HEIGHT) {}
                    @for (place, y, height) in stack(&day.amounts, top) {
                        rect class={ "series-" (place + 1) } x=(svg(x + (slot - width) / 2))
                            y=(svg(y)) width=(svg(width)) height=(svg(height)) {}
                    }
                }
            }
        }
    }
}

/// The parts of one bar from the baseline up: series, top edge and height in thousandths.
fn stack(amounts: &[Amount], top: i128) -> Vec<(usize, i128, i128)> {
    let mut below = 0_i128;
    let mut parts = Vec::new();
    for (place, amount) in amounts.iter().take(SERIES_MAX).enumerate() {
        let from = BARS_HEIGHT * 1_000 * below / top;
        below += i128::from(amount.or_zero().nanos());
        let to = BARS_HEIGHT * 1_000 * below / top;
        if to > from {
            parts.push((place, BARS_HEIGHT * 1_000 - to, to - from));
        }
    }
    parts
}

fn bar_title(unit: Unit, zone: &Zone, chart: &StackedBars, day: &Day) -> String {
    let so_far = if day.partial { " so far" } else { "" };
    let mut text = format!("{}: {}{so_far}", zone.day(day.at), unit.usage(day.total()));
    for (name, amount) in chart.series.iter().zip(&day.amounts) {
        if !amount.is_zero() {
            text += &format!("\n{name} {}", unit.usage(*amount));
        }
    }
    text
}

fn bars_table(unit: Unit, zone: &Zone, chart: &StackedBars) -> Markup {
    html! {
        details class="as-table" id={ (chart.id) "-table" } {
            summary { "Show as table" }
            div class="scroll" tabindex="0" role="region" aria-label="Spend by day as a table" {
                table {
                    caption class="hidden-text" { (chart.sentence) }
                    thead { tr {
                        th scope="col" { "Day" }
                        @for name in &chart.series { th scope="col" class="number" { (name) } }
                        th scope="col" class="number" { "Total" }
                    } }
                    tbody {
                        @for day in chart.days.iter().rev() { tr {
                            th scope="row" {
                                (zone.date(day.at)) @if day.partial { " (so far)" }
                            }
                            @for amount in &day.amounts {
                                td class="number" { (parts::usage(unit, *amount)) }
                            }
                            td class="number" { (parts::usage(unit, day.total())) }
                        } }
                    }
                }
            }
        }
    }
}

/// The window of time and money a curve is drawn in.
struct Frame {
    from: i64,
    until: i64,
    top: i64,
    width: i128,
    height: i128,
}

impl Frame {
    fn x(&self, at: Timestamp) -> i128 {
        let span = i128::from(self.until.saturating_sub(self.from).max(1));
        let here = i128::from(at.seconds().clamp(self.from, self.until).saturating_sub(self.from));
        self.width * 1_000 * here / span
    }

    fn y(&self, balance: Amount) -> i128 {
        let height = self.height * 1_000;
        height - height * i128::from(balance.or_zero().nanos()) / i128::from(self.top.max(1))
    }

    fn at(&self, point: Point) -> String {
        format!("{} {}", svg(self.x(point.at)), svg(self.y(point.balance)))
    }
}

/// Seconds shown ahead when nothing burns.
const STANDSTILL_SECONDS: i64 = 72 * 3_600;

impl BurnDown {
    /// The projection with now at its start; level when nothing burns.
    fn ahead(&self) -> Vec<Point> {
        let mut points = vec![Point { at: self.now, balance: self.available }];
        points.extend(self.projection.iter().filter(|point| point.at > self.now));
        if let [only] = points[..] {
            points.push(Point { at: only.at.plus_seconds(STANDSTILL_SECONDS), ..only });
        }
        points
    }

    /// The past that fits, oldest first, ending now.
    fn behind(&self, from: i64) -> Vec<Point> {
        let first_inside = self.past.partition_point(|point| point.at.seconds() < from);
        let mut points: Vec<Point> = self.past[first_inside.saturating_sub(1)..].to_vec();
        points.retain(|point| point.at < self.now);
        points.push(Point { at: self.now, balance: self.available });
        points
    }

    fn frame(&self, width: i128, height: i128) -> Frame {
        let until = self.ahead().last().map_or(self.now, |point| point.at).seconds();
        let now = self.now.seconds();
        let past = until.saturating_sub(now) / i64::try_from(PAST_SHARE - 1).unwrap_or(3);
        let from = now.saturating_sub(past.max(1));
        let seen = self.behind(from).into_iter().chain(self.ahead());
        let top = seen.map(|point| point.balance.nanos()).max().unwrap_or(1).max(1);
        Frame { from, until, top, width, height }
    }
}

/// Draws the balance as a line from the past through now to zero, the projection hatched.
/// Now is always a quarter of the way, so that its label can stand under it without a script.
pub fn burn_down(chart: &BurnDown, sentence: &str) -> Markup {
    let frame = chart.frame(CURVE_WIDTH, CURVE_HEIGHT);
    let (behind, ahead) = (chart.behind(frame.from), chart.ahead());
    let hatch = format!("{}-hatch", chart.id);
    let now = Point { at: chart.now, balance: chart.available };
    let (now_x, now_y) = (svg(frame.x(now.at)), svg(frame.y(now.balance)));
    let level = chart.projection.is_empty();
    html! {
        svg class="burn-down" role="img" aria-label=(sentence)
            viewBox={ "-1 -6 " (CURVE_WIDTH + 7) " " (CURVE_HEIGHT + 12) } {
            defs {
                pattern id=(hatch) width="5" height="5" patternUnits="userSpaceOnUse"
                    patternTransform="rotate(45)" {
                    line class="hatch" x1="0" y1="0" x2="0" y2="5" {}
                }
            }
            @for quarter in 1..4 {
                @let y = svg(CURVE_HEIGHT * 250 * quarter);
                line class="grid" x1="0" x2=(CURVE_WIDTH) y1=(y) y2=(y) {}
            }
            path class="past-area" d=(area(&frame, &behind)) {}
            path class="ahead-area" d=(area(&frame, &ahead)) fill={ "url(#" (hatch) ")" } {}
            line class="axis" x1="0" x2=(CURVE_WIDTH) y1=(CURVE_HEIGHT) y2=(CURVE_HEIGHT) {}
            path class="past-line" d=(line(&frame, &behind)) {}
            path class="ahead-line" d=(line(&frame, &ahead)) {}
            line class="now-line" x1=(now_x) x2=(now_x) y1="-6" y2=(CURVE_HEIGHT) {}
            circle class="now-halo" cx=(now_x) cy=(now_y) r="7.5" {}
            circle class="now-dot" cx=(now_x) cy=(now_y) r="4" {}
            @if !level {
                path class="zero-mark"
                    d={ "M" (CURVE_WIDTH) " " (CURVE_HEIGHT - 4) "l4 4-4 4-4-4z" } {}
            }
        }
    }
}

/// A small drawing of the same curve for a card: no labels, decoration only.
pub fn sparkline(chart: &BurnDown) -> Markup {
    let frame = chart.frame(160, 40);
    let (behind, ahead) = (chart.behind(frame.from), chart.ahead());
    let (x, y) = (svg(frame.x(chart.now)), svg(frame.y(chart.available)));
    html! {
        svg class="sparkline" viewBox="-1 -4 166 48" width="166" height="48" aria-hidden="true" {
            path class="past-area" d=(area(&frame, &behind)) {}
            line class="axis" x1="0" x2="160" y1="40" y2="40" {}
            path class="past-line" d=(line(&frame, &behind)) {}
            path class="ahead-line" d=(line(&frame, &ahead)) {}
            circle class="now-dot" cx=(x) cy=(y) r="3" {}
        }
    }
}

/// Steps where money came in, slopes where it burned: a rise is drawn upright.
fn line(frame: &Frame, points: &[Point]) -> String {
    let mut path = String::new();
    let mut last: Option<Point> = None;
    for &point in points {
        if last.is_some_and(|last| last.balance < point.balance) {
            let before = last.map_or(point.balance, |last| last.balance);
            path += &format!("L{}", frame.at(Point { balance: before, ..point }));
        }
        path += &format!("{}{}", if last.is_some() { "L" } else { "M" }, frame.at(point));
        last = Some(point);
    }
    path
}

fn area(frame: &Frame, points: &[Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let base = |point: &Point| frame.at(Point { balance: Amount::ZERO, ..*point });
    format!("{}L{}L{}Z", line(frame, points), base(last), base(first))
}

/// What a balance is made of, as one bar: purchased, promotional, and the part that is held.
/// `parts` are class and amount; the whole width is their sum.
pub fn composition(parts: &[(&str, Amount)], sentence: &str) -> Markup {
    let whole: i128 = parts.iter().map(|(_, part)| i128::from(part.or_zero().nanos())).sum();
    let starts = parts.iter().scan(0_i128, |below, (_, part)| {
        let start = *below;
        *below += i128::from(part.or_zero().nanos());
        Some(1_000_000 * start / whole.max(1))
    });
    html! {
        svg class="composition" role="img" aria-label=(sentence) viewBox="0 0 1000 10"
            preserveAspectRatio="none" {
            rect class="track" width="1000" height="10" {}
            @for ((class, part), start) in parts.iter().zip(starts) {
                @let width = 1_000_000 * i128::from(part.or_zero().nanos()) / whole.max(1);
                rect class=(class) x=(svg(start)) width=(svg(width)) height="10" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_largest_bar() {
        for (largest, step) in [("0.9", "0.25"), ("4.1", "2"), ("41.2", "20"), ("100", "25")] {
            let largest = Amount::parse(largest).unwrap().nanos();
            assert_eq!(tick_step(largest), Amount::parse(step).unwrap().nanos());
        }
        assert!(tick_step(i64::MAX) > 0);
    }

    #[test]
    fn parts_of_a_bar_stand_on_each_other_and_fill_it() {
        let amounts = [Amount::from_units(1), Amount::ZERO, Amount::from_units(3)];
        let parts = stack(&amounts, i128::from(Amount::from_units(4).nanos()));
        assert_eq!(parts, [(0, 750_000, 250_000), (2, 0, 750_000)]);
    }

    #[test]
    fn now_stands_at_a_quarter_of_the_curve() {
        let now = Timestamp::from_seconds(1_000_000);
        let mut chart = BurnDown {
            id: "a".into(),
            now,
            available: Amount::from_units(9),
            past: vec![],
            projection: vec![Point { at: now.plus_seconds(9_000), balance: Amount::ZERO }],
        };
        let quarter = |chart: &BurnDown| chart.frame(800, 100).x(now);
        assert_eq!(quarter(&chart), 200_000);
        chart.projection.clear();
        assert_eq!(quarter(&chart), 200_000);
    }
}
