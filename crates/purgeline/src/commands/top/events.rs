use purgeline_ops::text::Time;
use purgeline_queue::Event;
use ratatui::text::Line;

/// An event in one line: when, where, what, and what else was said of it.
pub(super) fn line(event: &Event) -> Line<'static> {
    // Of the time, what a day has.
    let time = Time(event.at_ms).to_string();
    let time = time.split(' ').nth(1).unwrap_or_default().trim_end_matches('Z').to_owned();
    let target = event.target.as_ref().map_or("-", |name| name.as_str());
    let field = |name: &str| event.fields.get(name).map(String::as_str).unwrap_or_default();
    let said = match event.what.as_str() {
        "job_ended" => format!("job {} {}", field("job"), field("state")),
        "dead_letter" => format!("dead letter {} {} {}", field("dead"), field("code"), field("item")),
        "held" => format!("held: {} ({})", field("name"), field("why")),
        "released" => format!("released: {}", field("name")),
        other => {
            let fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{other} {}", fields.join(" "))
        }
    };
    Line::raw(format!("{time}  {target:<12} {said}"))
}
